-- $1 smallint, $2 uuid, $3 integer, $4 double precision, $5 text, $6 jsonb
prepare set_apart as
with gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select id from simple_queue.job where id = $2::uuid and shard = $1 and epoch = $3::int for update))
    returning id, lane, queue, payload, payload_bytes, group_name, seq, options, limit_key),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at,
      finished_at, expires_at, worker, payload, payload_bytes, last_error)
    select id, $1, 'poisoned', lane, 0, 0, 0, 0, statement_timestamp(), statement_timestamp(), statement_timestamp(),
      statement_timestamp() + $4::float8 * interval '1 millisecond', $5, payload, payload_bytes, $6::jsonb from gone),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from gone where seq is not null and group_name is not null),
  arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, 'failed', null::jsonb, $6::jsonb
    from gone where options ? 'step'::text),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, 'poisoned'::text as ended_as, null::jsonb as answer, $6::jsonb as failure from gone) t
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
  select id from gone;
