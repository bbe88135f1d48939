-- $1 smallint, $2 uuid[], $3 integer[], $4 jsonb, $5 text
prepare bury as
with gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select j.id from unnest($2::uuid[], $3::int[]) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning *, $4::jsonb -> id::text as verdict),
  said as materialized (
    select *, case when cancel_at is null then verdict ->> 'state' else 'cancelled' end as state,
      attempt + (verdict ->> 'spent')::int as spent,
      statement_timestamp() + (verdict ->> case when cancel_at is null and verdict ->> 'state' <> 'cancelled'
        then 'deadLetterKeepMs' else 'archiveKeepMs' end)::float8 * interval '1 millisecond' as expires_at,
      case when verdict ? 'entry' then
        (case when jsonb_array_length(history) >= 20 then history - 0 else coalesce(history, '[]') end)
        || (verdict -> 'entry' || jsonb_build_object('at', statement_timestamp()))
      else history end as told
    from gone),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at, finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress, error_key)
    select id, $1, state, lane, priority, spent, stalls, reschedules, (verdict ->> 'runMs')::int, created_at, run_at, statement_timestamp(), expires_at, $5, unique_key, fingerprint, options, payload, payload_bytes, coalesce(verdict -> 'error', last_error), told, progress, verdict ->> 'errorKey'
    from said where state <> 'cancelled'),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at, finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, state, lane, priority, spent, stalls, reschedules, (verdict ->> 'runMs')::int, created_at, run_at, statement_timestamp(), expires_at, $5, unique_key, fingerprint, options, payload, payload_bytes, coalesce(verdict -> 'error', last_error), told, progress
    from said where state = 'cancelled' and expires_at is not null),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from said
    where seq is not null and (state = 'cancelled' or coalesce(verdict ->> 'onDeadJob', 'block') = 'skip')),
  stopped as (
    insert into simple_queue.head (group_name, shard, queue, dead, dead_seq, dead_at, dead_until, halts)
    select group_name, $1, queue, id, seq, statement_timestamp(), expires_at, coalesce(verdict ->> 'onDeadJob', 'block') = 'halt'
    from said where seq is not null and state <> 'cancelled' and coalesce(verdict ->> 'onDeadJob', 'block') <> 'skip'
    on conflict (group_name, shard, queue) do update
      set dead = excluded.dead, dead_seq = excluded.dead_seq, dead_at = excluded.dead_at, dead_until = excluded.dead_until,
        halts = excluded.halts),
  arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, case state when 'cancelled' then state else 'failed' end, null::jsonb, verdict -> 'error'
    from said where options ? 'step'::text),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, state as ended_as, null::jsonb as answer, verdict -> 'error' as failure from said) t
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
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from gone t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted) k)
  select id, state from said;
