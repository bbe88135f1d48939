-- $1 smallint, $2 jsonb, $3 uuid[], $4 jsonb
prepare fail_dependents as
with due as materialized (
    select id from simple_queue.job where id = any($3::uuid[]) and shard = $1 and commit_by is not null order by id for update),
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(select id from due)) returning id),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(
      select b.ctid from due d
      cross join lateral (select group_name, queue, seq from simple_queue.job where id = d.id and shard = $1 offset 0) j
      cross join lateral (
        select ctid from simple_queue.blocked
        where group_name = j.group_name and shard = $1 and queue = j.queue and seq = j.seq limit 1 for update skip locked) b))
    returning id),
  gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from unstaged union all select id from unblocked))
    returning *),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, 'expired', lane, priority, attempt, stalls, reschedules, created_at, run_at, statement_timestamp(), expires_at, unique_key, fingerprint, options, payload, payload_bytes, $4::jsonb -> id::text, history, progress
    from gone g cross join lateral (
      select statement_timestamp() + (coalesce(q.policy -> 'deadLetter'::text, $2::jsonb -> q.name, $2::jsonb -> ''::text) #>> '{}'::text[])::float8 * interval '1 millisecond' as expires_at
      from simple_queue.queue q where q.id = g.queue) k),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, 'expired'::text as ended_as, null::jsonb as answer, $4::jsonb -> id::text as failure from gone) t
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
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from gone where seq is not null and id in (select id from unstaged))
  select (select count(*) from due)::int as due, (select count(*) from gone)::int as expired;
