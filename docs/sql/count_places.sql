-- $1 smallint, $2 integer
prepare count_places as
with recursive step as (
    select -2147483648 as lane, 0 as n
    union all
    select next.lane, s.n + 1 from step s cross join lateral (
      select min(lane) as lane from (
        (select lane from simple_queue.ready where lane > s.lane and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.fair_ready where lane > s.lane and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.suspect where lane > s.lane and shard = $1 order by lane limit 1)) w) next
    where s.n < 1000 and next.lane is not null),
  oldest as (
    select l.id as lane, f.run_at as at from step l(id) cross join lateral (
      with recursive step as (
      (select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 order by priority, run_at limit 1)
      union all
      select n.priority, n.run_at from step s cross join lateral (
        select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 and priority > s.priority
        order by priority, run_at limit 1) n)
    (select run_at from step limit 10) union all
      (select run_at from simple_queue.fair_ready where lane = l.id and shard = $1 limit 1000) union all
      (select run_at from simple_queue.suspect where lane = l.id and shard = $1 limit 1000)) f
    where l.id > 0 order by 2 limit 1)
  select (select count(*)::int from (select 1 from simple_queue.queue limit $2::int + 1) w) as queues,
    array(select name from simple_queue.queue where paused_at is not null order by name limit 100) as paused,
    (select count(*)::int from (select 1 from simple_queue.ready where shard = $1 limit $2::int + 1) w) + (select count(*)::int from (select 1 from simple_queue.fair_ready where shard = $1 limit $2::int + 1) w) + (select count(*)::int from (select 1 from simple_queue.suspect where shard = $1 limit $2::int + 1) w) as ready,
    (select count(*)::int from (select 1 from simple_queue.scheduled where shard = $1 limit $2::int + 1) w) as scheduled, (select count(*)::int from (select 1 from simple_queue.blocked where shard = $1 limit $2::int + 1) w) + (select count(*)::int from (select 1 from simple_queue.keyed where shard = $1 limit $2::int + 1) w) as blocked, (select count(*)::int from (select 1 from simple_queue.staged where shard = $1 limit $2::int + 1) w) as staged, (select count(*)::int from (select 1 from simple_queue.suspect where shard = $1 limit $2::int + 1) w) as suspects,
    (select count(*)::int from (select 1 from simple_queue.dead_letter where shard = $1 limit $2::int + 1) w) as dead,
    (select count(*)::int from (select 1 from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) cross join lateral (select 1 from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j where c.shard = $1 limit $2::int + 1) w) as running,
    (select q.name from oldest o join simple_queue.lane l on l.id = o.lane join simple_queue.queue q on q.id = l.queue) as "oldestQueue",
    (select greatest(0, extract(epoch from statement_timestamp() - at) * 1000) from oldest)::float8 as "oldestReadyMs";
