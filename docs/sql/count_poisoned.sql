-- $1 smallint, $2 integer
prepare count_poisoned as
select q.name as queue, count(*)::int as jobs from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  cross join lateral (
    select state, finished_at from simple_queue.dead_letter where lane = l.id and shard = $1 order by id desc limit $2::int) d
  where d.state = 'poisoned' and d.finished_at > statement_timestamp() - interval '1 day' group by q.name order by q.name;
