-- $1 smallint, $2 uuid, $3 integer, $4 integer, $5 double precision, $6 text, $7 text
prepare complete_outcomes as
with done as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select id from simple_queue.job where id = $2::uuid and shard = $1 and epoch = $3::int for update)) returning *),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at, finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select id, $1, 'succeeded', lane, priority, attempt + 1, stalls, reschedules, $4::int, created_at, run_at, statement_timestamp(), statement_timestamp() + $5::float8 * interval '1 millisecond', $6, unique_key, fingerprint, options, payload, payload_bytes, $7::text::jsonb, history, progress
    from done where $5::float8 is not null),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from done where seq is not null),
  arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, 'succeeded', $7::text::jsonb, null::jsonb
    from done where options ? 'step'::text),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from done t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted) k),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, 'succeeded'::text as ended_as, $7::text::jsonb as answer, null::jsonb as failure from done) t
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
    select lane, $1, 0, run_at, id, 0 from outcomes)
  select id from done;
