-- $1 smallint, $2 integer[], $3 integer
prepare list_failing as
with recursive first_ready as (
    select f.*, 1 as n from (
      select lane, priority, run_at from simple_queue.ready where shard = $1
      order by lane, priority, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_ready s cross join lateral (
      select lane, priority, run_at from simple_queue.ready where (lane, shard, priority) > (s.lane, $1, s.priority) and shard = $1
      order by lane, priority, run_at limit 1) f
    where s.n < 1000),
  first_fair_ready as (
    select f.*, 1 as n from (
      select lane, group_name, priority, run_at from simple_queue.fair_ready where shard = $1
      order by lane, group_name, priority, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_fair_ready s cross join lateral (
      select lane, group_name, priority, run_at from simple_queue.fair_ready where (lane, shard, group_name, priority) > (s.lane, $1, s.group_name, s.priority) and shard = $1
      order by lane, group_name, priority, run_at limit 1) f
    where s.n < 1000),
  first_suspect as (
    select f.*, 1 as n from (
      select lane, suspicion, run_at from simple_queue.suspect where shard = $1
      order by lane, suspicion, run_at limit 1) f
    union all
    select f.*, s.n + 1 from first_suspect s cross join lateral (
      select lane, suspicion, run_at from simple_queue.suspect where (lane, shard, suspicion) > (s.lane, $1, s.suspicion) and shard = $1
      order by lane, suspicion, run_at limit 1) f
    where s.n < 1000),
  first as (select lane, run_at from first_ready union all select lane, run_at from first_fair_ready union all select lane, run_at from first_suspect),
  kind as materialized (
    select lane, priority from first_ready where $2::int[] is null or lane = any($2::int[]) limit 200),
  looked as materialized (
    (select id, 'scheduled' as state from simple_queue.scheduled where $2::int[] is null and shard = $1 order by run_at, id limit 1000) union all
    select s.id, 'scheduled' from unnest($2::int[]) u(lane) cross join lateral (
      select id from simple_queue.scheduled where lane = u.lane and lane > 0 and shard = $1 limit greatest(1, 1000 / cardinality($2::int[]))) s union all
    select r.id, 'ready' from kind k cross join lateral ((select id from simple_queue.ready where lane = k.lane and priority = k.priority and shard = $1 order by run_at, id
        limit (select greatest(5, 500 / count(*)) from kind)) union (select id from simple_queue.ready where lane = k.lane and priority = k.priority and shard = $1 order by run_at desc, id desc
        limit (select greatest(5, 500 / count(*)) from kind))) r union all
    select f.id, 'ready' from (select distinct lane, group_name from first_fair_ready where $2::int[] is null or lane = any($2::int[]) limit 50) k
      cross join lateral (select id from simple_queue.fair_ready where lane = k.lane and shard = $1 and group_name = k.group_name limit 5) f union all
    (select id, 'blocked' from simple_queue.keyed where shard = $1 limit 250))
  select l.id, l.state, coalesce(q.name, 'unknown') as queue, coalesce(n.name, '') as name, j.last_error - 'causes' as error
  from looked l
  cross join lateral (select lane, queue, last_error from simple_queue.job where id = l.id and shard = $1 offset 0) j
  left join simple_queue.lane n on n.id = j.lane left join simple_queue.queue q on q.id = coalesce(n.queue, j.queue)
  where j.last_error is not null and ($2::int[] is null or j.lane = any($2::int[])) limit $3::int;
