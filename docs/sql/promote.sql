-- $1 smallint, $2 timestamp with time zone, $3 integer[]
prepare promote as
with due as materialized (
    select ctid from simple_queue.scheduled where shard = $1 and run_at > $2::timestamptz and run_at <= statement_timestamp()
    order by run_at, id limit 1000 for update skip locked),
  gone as (
    delete from simple_queue.scheduled where shard = $1 and ctid = any(array(select ctid from due)) returning id, run_at),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from gone)) returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where limit_key is null and suspicion = 0 and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where limit_key is null and suspicion = 0 and fair),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where limit_key is null and suspicion > 0),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where limit_key is not null
    returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from keyed) k)
  select
    (select count(*) from gone)::int as promoted,
    array(select distinct lane from moved where limit_key is null) as lanes,
    exists (select from keyed) as "movedKeyed",
    exists (select from moved where fair and limit_key is null) as "movedFair",
    exists (select from moved where suspicion > 0) as "movedSuspects",
    (select max(run_at) from gone)::text as until,
    (select extract(epoch from run_at - statement_timestamp()) * 1000 from simple_queue.scheduled
      where shard = $1 and run_at > statement_timestamp() and run_at < 'infinity' order by run_at limit 1)::float8 as "nextMs",
    (select coalesce(sum(id), 0) from (select id from simple_queue.lane order by created_at desc limit 100) n)::float8 as registry,
    array(select id from simple_queue.queue where paused_at is not null) as "pausedQueues",
    array(select queue from simple_queue.outcome) as "outcomeQueues",
    (select coalesce(sum(version), 0) from simple_queue.fleet_limit where shard = $1)::float8 as limits,
    exists (with recursive hop(queue, n) as (
    (select queue, 1 from simple_queue.vacant where queue > -1 and shard = $1 order by queue limit 1)
    union all
    select v.queue, h.n + 1 from hop h cross join lateral (
      select queue from simple_queue.vacant where queue > h.queue and shard = $1 order by queue limit 1) v) select from hop v where v.n = 100 or not exists (select from simple_queue.head x where x.queue = v.queue and x.shard = $1 and x.halts offset 0)) as vacant,
    exists (select from simple_queue.arrival where shard = $1) or exists (select from simple_queue.workflow
      where shard = $1 and deadline_at <= statement_timestamp() and ended_at is null and stop is null) as arrived,
    (select greatest(0, extract(epoch from due_at - statement_timestamp()) * 1000) from simple_queue.key_change
      where shard = $1 order by due_at limit 1)::float8 as "keyMs",
    (select extract(epoch from commit_by - statement_timestamp()) * 1000 from simple_queue.job
      where shard = $1 and commit_by > '-infinity' and commit_by < 'infinity' order by commit_by limit 1)::float8 as "expiryMs",
    (select case when exists (select from (select waiting from simple_queue.schedule where shard = $1 and waiting > 0 order by waiting desc limit 1) w) then 0
      else (select (extract(epoch from next_at) * 1000)::float8 - (extract(epoch from statement_timestamp()) * 1000)::float8 from simple_queue.schedule
        where shard = $1 and paused_at is null and next_at > '-infinity' order by next_at limit 1) end)::float8 as "tickMs",
    array(select q.lane from unnest($3::int[]) q(lane) cross join lateral (
      select 1 from simple_queue.fair_ready where lane = q.lane and shard = $1 limit 1) f) as fair,
    exists (select from unnest($3::int[]) q(lane) cross join lateral (
      select 1 from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion < 3 limit 1) s) as suspects,
    exists (select from unnest($3::int[]) q(lane) cross join lateral (
      select 1 from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion > 2 limit 1) s) as lone;
