-- $1 smallint, $2 integer
prepare count_places as
with recursive first_ready as (
    select f.*, 1 as n from (
      select lane, priority, run_at from simple_queue.ready where shard = $1
      order by lane, priority, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_ready s cross join lateral (
      select lane, priority, run_at from simple_queue.ready where (lane, shard, priority) > (s.lane, $1, s.priority) and shard = $1
      order by lane, priority, run_at limit 1) f
    where s.n < 2000),
  first_fair_ready as (
    select f.*, 1 as n from (
      select lane, group_name, priority, run_at from simple_queue.fair_ready where shard = $1
      order by lane, group_name, priority, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_fair_ready s cross join lateral (
      select lane, group_name, priority, run_at from simple_queue.fair_ready where (lane, shard, group_name, priority) > (s.lane, $1, s.group_name, s.priority) and shard = $1
      order by lane, group_name, priority, run_at limit 1) f
    where s.n < 2000),
  first_suspect as (
    select f.*, 1 as n from (
      select lane, suspicion, run_at from simple_queue.suspect where shard = $1
      order by lane, suspicion, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_suspect s cross join lateral (
      select lane, suspicion, run_at from simple_queue.suspect where (lane, shard, suspicion) > (s.lane, $1, s.suspicion) and shard = $1
      order by lane, suspicion, run_at limit 1) f
    where s.n < 2000),
  first as (select lane, run_at from first_ready union all select lane, run_at from first_fair_ready union all select lane, run_at from first_suspect),
  oldest as (select lane, run_at as at from first order by run_at limit 1),
  claimed as materialized (
    select u.id, u.epoch from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) where c.shard = $1),
  held as materialized (
    select 1 from simple_queue.job where shard = $1 and id = any(array(select id from claimed))
      and ((id, epoch) in (select id, epoch from claimed)) is true limit $2::int + 1)
  select (select count(*)::int from (select 1 from simple_queue.queue limit $2::int + 1) w) as queues,
    array(select name from simple_queue.queue where paused_at is not null order by name limit 100) as paused,
    (select count(*)::int from (select 1 from simple_queue.ready where shard = $1 limit $2::int + 1) w) + (select count(*)::int from (select 1 from simple_queue.fair_ready where shard = $1 limit $2::int + 1) w) + (select count(*)::int from (select 1 from simple_queue.suspect where shard = $1 limit $2::int + 1) w) as ready,
    (select count(*)::int from (select 1 from simple_queue.scheduled where shard = $1 limit $2::int + 1) w) as scheduled, (select count(*)::int from (select 1 from simple_queue.blocked where shard = $1 limit $2::int + 1) w) + (select count(*)::int from (select 1 from simple_queue.keyed where shard = $1 limit $2::int + 1) w) as blocked, (select count(*)::int from (select 1 from simple_queue.staged where shard = $1 limit $2::int + 1) w) as staged, (select count(*)::int from (select 1 from simple_queue.suspect where shard = $1 limit $2::int + 1) w) as suspects,
    (select count(*)::int from (select 1 from simple_queue.dead_letter where shard = $1 limit $2::int + 1) w) as dead,
    (select count(*)::int from held) as running,
    (select coalesce(q.name, 'unknown') from oldest o left join simple_queue.lane l on l.id = o.lane left join simple_queue.queue q on q.id = l.queue) as "oldestQueue",
    (select greatest(0, extract(epoch from statement_timestamp() - at) * 1000) from oldest)::float8 as "oldestReadyMs";
