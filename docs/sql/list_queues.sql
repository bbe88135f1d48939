-- $1 smallint, $2 text, $3 integer, $4 text, $5 integer
prepare list_queues as
with page as materialized (
    select * from simple_queue.queue where ($2::text is null or name = $2) and ($4::text is null or name > $4) order by name limit $5::int),
  own as materialized (select l.id, l.queue from page q join simple_queue.lane l on l.queue = q.id),
  claimed as materialized (
    select u.id, u.epoch from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) where c.shard = $1),
  held as materialized (
    select lane from simple_queue.job where shard = $1 and id = any(array(select id from claimed))
      and ((id, epoch) in (select id, epoch from claimed)) is true limit $3::int + 1),
  later as materialized (
    select lane, run_at from simple_queue.scheduled where shard = $1 order by run_at limit $3::int + 1),
  running as (select o.queue, count(*)::int as n from held h join own o on o.id = h.lane group by o.queue),
  due as (select o.queue, count(*)::int as n, min(s.run_at) as next from later s join own o on o.id = s.lane group by o.queue)
  select q.name as queue, q.paused_at as "pausedAt", r.n as ready, coalesce(u.n, 0) as running, coalesce(d.n, 0) as scheduled,
    x.n as dead, b.n as blocked, t.n as staged, e.n as suspects, d.next as "nextRunAt", (select count(*) from held)::int as "allRunning", (select count(*) from later)::int as "allScheduled",
    case when o.oldest is not null then greatest(0, extract(epoch from statement_timestamp() - o.oldest) * 1000) end::float8 as "oldestReadyMs"
  from page q
  cross join lateral (
    select count(*)::int as n from (
      select 1 from simple_queue.lane l cross join lateral (
        (select 1 from simple_queue.ready where lane = l.id and shard = $1 limit $3::int + 1) union all
      (select 1 from simple_queue.fair_ready where lane = l.id and shard = $1 limit $3::int + 1) union all
      (select 1 from simple_queue.suspect where lane = l.id and shard = $1 limit $3::int + 1)) p
      where l.queue = q.id limit $3::int + 1) w) r
  cross join lateral (
    select count(*)::int as n from (
      select 1 from simple_queue.lane l cross join lateral (
        (select 1 from simple_queue.dead_letter where lane = l.id and shard = $1 limit $3::int + 1)) p
      where l.queue = q.id limit $3::int + 1) w) x
  cross join lateral (
    select count(*)::int as n from (
      select 1 from simple_queue.lane l cross join lateral (
        (select 1 from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1 limit $3::int + 1) union all
      (select 1 from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit $3::int + 1)) p
      where l.queue = q.id limit $3::int + 1) w) b
  cross join lateral (
    select count(*)::int as n from (
      select 1 from simple_queue.lane l cross join lateral (
        (select 1 from simple_queue.staged where lane = l.id and lane > 0 and shard = $1 limit $3::int + 1)) p
      where l.queue = q.id limit $3::int + 1) w) t
  cross join lateral (
    select count(*)::int as n from (
      select 1 from simple_queue.lane l cross join lateral (
        (select 1 from simple_queue.suspect where lane = l.id and shard = $1 limit $3::int + 1)) p
      where l.queue = q.id limit $3::int + 1) w) e
  cross join lateral (
    select min(f.run_at) as oldest from simple_queue.lane l cross join lateral (
      with recursive step as (
      (select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 order by priority, run_at limit 1)
      union all
      select n.priority, n.run_at from step s cross join lateral (
        select priority, run_at from simple_queue.ready where lane = l.id and shard = $1 and priority > s.priority
        order by priority, run_at limit 1) n)
    (select run_at from step limit 1000) union all
      (select run_at from simple_queue.fair_ready where lane = l.id and shard = $1 limit 1000) union all
      (select run_at from simple_queue.suspect where lane = l.id and shard = $1 limit 1000)) f
    where l.queue = q.id) o
  left join running u on u.queue = q.id left join due d on d.queue = q.id
  order by q.name;
