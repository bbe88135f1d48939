-- $1 smallint, $2 uuid[], $3 integer[], $4 text, $5 jsonb
prepare settle_told as
with done as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select j.id from unnest($2::uuid[], $3::int[]) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload, payload_bytes, history, progress, queue, group_name, seq, limit_key),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at, finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select id, $1, 'succeeded', lane, priority, attempt + 1, stalls, reschedules, (k -> 'runMs')::int, created_at, run_at, statement_timestamp(), statement_timestamp() + (k -> 'keepMs')::float8 * interval '1 millisecond', $4, unique_key, fingerprint, options, payload, payload_bytes, k -> 'output', history, progress
    from (select *, $5::jsonb -> id::text as k from done) d where k ? 'keepMs'),
  next as materialized (
    select d.id as after, b.place from done d
    cross join lateral (
      select seq from simple_queue.blocked
      where group_name = d.group_name and shard = $1 and queue = d.queue and seq > d.seq order by seq limit 1) l
    cross join lateral (
      select ctid as place, id from simple_queue.blocked
      where group_name = d.group_name and shard = $1 and queue = d.queue and seq = l.seq limit 1 for update skip locked) b
    cross join lateral (
      select id from simple_queue.job where id = b.id and shard = $1 limit 1 for update skip locked) j
    where not exists (select from simple_queue.head h where h.queue = d.queue and h.shard = $1 and h.halts offset 0)),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(select place from next)) returning id),
  moved as (
    update simple_queue.job set run_at = greatest(run_at, statement_timestamp())
    where shard = $1 and id = any(array(select id from unblocked)) returning id, lane, queue, priority, run_at, epoch, suspicion, commit_by, limit_key),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion = 0
    returning lane),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion > 0),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from moved where commit_by is null and run_at > statement_timestamp()
    returning id),
  staged as (
    insert into simple_queue.staged (id, shard, lane, epoch)
    select id, $1, lane, epoch from moved where commit_by is not null),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where commit_by is null and run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from done t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, 'succeeded'::text as ended_as, $5::jsonb -> id::text -> 'output' as answer, null::jsonb as failure from done) t
    cross join lateral (
      select l.id as lane, l.queue, (pg_catalog.jsonb_build_object('id', t.id, 'queue', q.name, 'name', coalesce(n.name, ''), 'state', t.ended_as)
        || case when t.answer is null then '{}'::jsonb else pg_catalog.jsonb_build_object('output', t.answer) end
        || case when t.failure is null then '{}'::jsonb else pg_catalog.jsonb_build_object('error', t.failure) end)::json as payload
      from simple_queue.outcome x join simple_queue.queue q on q.id = x.queue join simple_queue.lane l on l.id = x.lane
      left join simple_queue.lane n on n.id = t.lane
      where x.queue = t.queue offset 0) o
    returning id, lane, run_at),
  heard as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, 0, run_at, id, 0 from outcomes),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select group_name, $1, queue from done d
    where (select count(*) from next) < (select count(*) from done)
      and seq is not null and not exists (select from next n where n.after = d.id)
    returning queue)
  select array(select distinct lane from (select lane from readied union all select lane from outcomes) w) as lanes,
    (select count(*) from scheduled)::int as later,
    (select count(*) from vacated)::int as vacant,
    exists (select from unpermitted) or exists (select from keyed) as keys,
    array(select u.id::text from unnest($2::uuid[]) u(id)
      where (select count(*) from done) < cardinality($2::uuid[]) and not exists (select from done d where d.id = u.id)) as lost;
