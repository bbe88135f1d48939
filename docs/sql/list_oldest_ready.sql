-- $1 smallint
prepare list_oldest_ready as
with recursive first_ready as (
    select f.*, 1 as n from (
      select lane, priority, run_at from simple_queue.ready where shard = $1
      order by lane, priority, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_ready s cross join lateral (
      select lane, priority, run_at from simple_queue.ready where (lane, shard, priority) > (s.lane, $1, s.priority) and shard = $1
      order by lane, priority, run_at limit 1) f
    where s.n < 20000),
  first_fair_ready as (
    select f.*, 1 as n from (
      select lane, group_name, priority, run_at from simple_queue.fair_ready where shard = $1
      order by lane, group_name, priority, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_fair_ready s cross join lateral (
      select lane, group_name, priority, run_at from simple_queue.fair_ready where (lane, shard, group_name, priority) > (s.lane, $1, s.group_name, s.priority) and shard = $1
      order by lane, group_name, priority, run_at limit 1) f
    where s.n < 20000),
  first_suspect as (
    select f.*, 1 as n from (
      select lane, suspicion, run_at from simple_queue.suspect where shard = $1
      order by lane, suspicion, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_suspect s cross join lateral (
      select lane, suspicion, run_at from simple_queue.suspect where (lane, shard, suspicion) > (s.lane, $1, s.suspicion) and shard = $1
      order by lane, suspicion, run_at limit 1) f
    where s.n < 20000),
  first as (select lane, run_at from first_ready union all select lane, run_at from first_fair_ready union all select lane, run_at from first_suspect),
  paused as materialized (
    select l.id from simple_queue.queue q join simple_queue.lane l on l.queue = q.id where q.paused_at is not null),
  oldest as materialized (
    select lane, run_at from first where (lane in (select id from paused)) is not true order by run_at limit 5000)
  select q.name as queue, greatest(0, extract(epoch from statement_timestamp() - min(o.run_at)) * 1000)::float8 as "oldestMs"
  from oldest o join simple_queue.lane l on l.id = o.lane join simple_queue.queue q on q.id = l.queue
  group by q.name order by 2 desc limit 1000;
