-- $1 smallint, $2 text, $3 text
prepare find_by_unique_key as
select j.id from simple_queue.job j
  where j.unique_key = $2 and j.shard = $1 and j.queue = (select q.id from simple_queue.queue q where q.name = $3);
