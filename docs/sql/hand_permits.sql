-- $1 smallint, $2 boolean
prepare hand_permits as
with page as materialized (
    select ctid from simple_queue.key_change where shard = $1 and due_at <= statement_timestamp()
    order by due_at limit 200 for update skip locked),
  taken as (
    delete from simple_queue.key_change where shard = $1 and ctid = any(array(select ctid from page)) returning limit_key, queue),
  waiting as materialized (
    select t.limit_key, t.queue from (select distinct limit_key, queue from taken) t
    cross join lateral (select from simple_queue.keyed where limit_key = t.limit_key and shard = $1 and queue = t.queue limit 1) w),
  rule as materialized (
    select q.queue, l.* from (select distinct queue from waiting) q
    left join lateral (
      select concurrency, case when $2::boolean then rate end as rate, case when $2 then step_ms end as step_ms, burst from simple_queue.fleet_limit
      where name = (select name from simple_queue.queue where id = q.queue) || '/*' and shard = $1) l on true),
  asked as materialized (
    select t.limit_key, l.*, h.held, case when l.concurrency is null then 500 else least(500, greatest(0, l.concurrency - h.held)) end::int as permits
    from waiting t join rule l on l.queue = t.queue
    cross join lateral (
      select count(*)::int as held from (select from simple_queue.permit where l.concurrency is not null and limit_key = t.limit_key and shard = $1 and queue = t.queue and slot >= 0 offset 0) p) h),
  room as materialized (
    select a.*, b.seen, r.first_ms, r.starts, least(a.permits, r.starts)::int as most, case when a.held > 0 then array(
        select s.n from pg_catalog.generate_series(0, a.held + least(a.permits, r.starts) - 1) s(n)
        except select slot from simple_queue.permit where limit_key = a.limit_key and shard = $1 and queue = a.queue and slot >= 0 order by 1 limit least(a.permits, r.starts)) end as slots
    from asked a
    cross join lateral (select case when a.rate is not null then (select next_at from simple_queue.key_bucket where limit_key = a.limit_key and shard = $1 and queue = a.queue) end as seen) b
    cross join lateral (
      select (extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms as first_ms, case when a.rate is null then 500
          else greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int end as starts
      from (select coalesce(b.seen, statement_timestamp()) as next_at, a.step_ms as step_ms, a.burst as burst) k) r),
  candidate as materialized (
    select r.*, k.*, j.id as had
    from room r cross join lateral (
      select ctid as place, id, priority, run_at from simple_queue.keyed
      where limit_key = r.limit_key and shard = $1 and queue = r.queue order by priority, run_at, id limit r.most for update skip locked) k
    left join lateral (
      select id from simple_queue.job where id = k.id and shard = $1 limit 1 for update skip locked) j on true
    limit 1000),
  first as materialized (
    select *, row_number() over (partition by limit_key, queue order by priority, run_at, id) as n,
      count(*) over (partition by limit_key, queue) as jobs
    from candidate where had is not null),
  charged as (
    insert into simple_queue.key_bucket as b (limit_key, shard, queue, next_at)
    select f.limit_key, $1, f.queue, c.next_at from first f
    cross join lateral (
      select case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end + (f.jobs) * step_ms * interval '1 millisecond' as next_at
      from (select coalesce(f.seen, statement_timestamp()) as next_at, f.step_ms as step_ms, f.burst as burst) k) c
    where f.rate is not null and f.n = 1 order by f.limit_key, f.queue
    on conflict (limit_key, shard, queue) do update set next_at = excluded.next_at
      where b.next_at = (select seen from room where limit_key = b.limit_key and queue = b.queue)
    returning limit_key, queue),
  granted as (
    insert into simple_queue.permit (id, shard, limit_key, queue, slot)
    select f.id, $1, f.limit_key, f.queue, case when f.concurrency is null then 1000000 + pg_catalog.nextval('simple_queue.turn')
      when f.held = 0 then f.n - 1 else f.slots[f.n] end
    from first f
    where (select count(*) from charged) is not null and (f.rate is null or ((f.limit_key, f.queue) in (select limit_key, queue from charged)) is true)
    order by f.limit_key, f.queue, f.n
    on conflict do nothing
    returning id, limit_key, queue),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1 and ctid = any(array(
      select f.place from first f where (f.id in (select id from granted)) is true
      union all
      select c.place from candidate c where had is null and not exists (select from simple_queue.job where id = c.id and shard = $1 offset 0)))),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from granted)) returning id, lane, priority, run_at, epoch, suspicion, group_name, fair),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where suspicion > 0),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where suspicion = 0 and fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where suspicion = 0 and fair is null),
  got as materialized (
    select limit_key, queue, sum(jobs)::int as jobs, max(concurrency) as concurrency, max(held) as held, max(starts) as starts,
      max(first_ms) as first_ms, max(step_ms) as step_ms, max(start_at) as start_at
    from (
      select limit_key, queue, 0 as jobs, concurrency, held, starts, first_ms, step_ms, seen - (burst - 1) * step_ms * interval '1 millisecond' as start_at from room union all
      select limit_key, queue, 1, null, null, null, null, null, null from granted) u
    group by limit_key, queue),
  open as materialized (
    select g.limit_key, g.queue, case when g.starts = 0 then g.first_ms
        else greatest(case when g.jobs = 0 then 50 else 0 end, coalesce(g.first_ms + g.jobs * g.step_ms, 0)) end as ms,
      case when g.starts = 0 and g.first_ms > 1000 then g.start_at + (pg_catalog.hashtext(g.limit_key) & 1023) * interval '1 microsecond' end as at
    from got g
    where (g.concurrency is null or g.jobs < g.concurrency - g.held)
      and (select count(*) from (select from simple_queue.keyed where limit_key = g.limit_key and shard = $1 and queue = g.queue limit g.jobs + 1) w) > g.jobs),
  again as (
    insert into simple_queue.key_change (shard, due_at, limit_key, queue)
    select $1, coalesce(at, statement_timestamp() + ms * interval '1 millisecond'), limit_key, queue from open o
    where at is null or not exists (
      select from simple_queue.key_change where due_at = o.at and limit_key = o.limit_key and shard = $1 and queue = o.queue offset 0))
  select (select count(*) from page)::int as looked, array(select distinct lane from moved) as lanes,
    exists (select from moved where fair) as fair, exists (select from moved where suspicion > 0) as suspects,
    case when (select count(*) from page) = 200 then 0 else least((select min(ms) from open), (
      select extract(epoch from due_at - statement_timestamp()) * 1000 from simple_queue.key_change
      where shard = $1 and due_at > statement_timestamp() order by due_at limit 1)) end::float8 as "nextMs";
