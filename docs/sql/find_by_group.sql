-- $1 smallint, $2 text, $3 text
prepare find_by_group as
select j.id from simple_queue.job j
  where j.group_name = $2 and j.shard = $1 and j.queue = (select q.id from simple_queue.queue q where q.name = $3) and j.cancel_at is null
  order by j.seq desc limit 1000;
