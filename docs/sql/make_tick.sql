-- $1 smallint, $2 text, $3 timestamp with time zone, $4 timestamp with time zone, $5 uuid, $6 text, $7 integer, $8 integer, $9 integer, $10 smallint, $11 timestamp with time zone, $12 text, $13 jsonb, $14 json, $15 text
prepare make_tick as
with target as materialized (
    select s.name, s.spec ->> 'overlap' as overlap, s.waiting, array(select j.id from pg_catalog.unnest(s.jobs) u(id)
        cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 offset 0) j) as live
    from simple_queue.schedule s
    where s.name = $2 and s.shard = $1 and (s.next_at between $3::timestamptz - interval '1 ms' and $3::timestamptz + interval '1 ms') and s.paused_at is null and s.hash = $15 and s.jobs = (select p.jobs from simple_queue.schedule p where p.name = $2 and p.shard = $1)
      and ($8::int is null or exists (select from simple_queue.lane where id = $8 and unused_at is null))
    limit 1 for update of s skip locked),
  decided as materialized (
    select name, overlap, live, case
      when $6::text <> 'enqueued' then $6
      when overlap in ('allow', 'cancel') or (cardinality(live) = 0 and waiting = 0) then 'enqueued'
      when overlap = 'queue' and waiting < 100 then 'waiting' else 'skipped' end as outcome
    from target),
  ticked as (
    insert into simple_queue.tick (schedule, shard, at, outcome, job, times)
    select name, $1, $3::timestamptz, outcome, case when outcome = 'enqueued' then $5::uuid end, $7::int from decided
    on conflict do nothing returning outcome),
  moved as (
    update simple_queue.schedule s set next_at = $4::timestamptz, last_at = $3::timestamptz,
      waiting = s.waiting + (select count(*) from ticked where outcome = 'waiting')::int,
      jobs = case when d.overlap = 'allow' then '{}' else d.live || array(select $5::uuid from ticked where outcome = 'enqueued') end
    from decided d where s.name = d.name and s.shard = $1),
  stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload)
    select $5::uuid, $1, $8::int, $9::int, $10::smallint, greatest(statement_timestamp(), $11::timestamptz), $12::text, $13::jsonb, $14::json
    from ticked where outcome = 'enqueued' and $8::int is not null
    returning id, lane, priority, run_at, epoch),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from stored where run_at <= statement_timestamp()),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from stored where run_at > statement_timestamp())
  select (select outcome from ticked) as outcome, live from decided;
