-- $1 smallint
prepare list_oldest_ready as
select q.name as queue, greatest(0, extract(epoch from statement_timestamp() - min(f.run_at)) * 1000)::float8 as "oldestMs"
  from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
  cross join lateral (
    with recursive step as (
      (select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 order by priority, run_at limit 1)
      union all
      select n.priority, n.run_at from step s cross join lateral (
        select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 and priority > s.priority
        order by priority, run_at limit 1) n)
    (select run_at from step limit 100) union all
      (select run_at from simple_queue.fair_ready where lane = l.id and shard = $1 limit 1000) union all
      (select run_at from simple_queue.suspect where lane = l.id and shard = $1 limit 1000)) f
  where q.paused_at is null group by q.name order by 2 desc limit 1000;
