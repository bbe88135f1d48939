-- $1 smallint, $2 integer, $3 jsonb, $4 jsonb, $5 uuid, $6 jsonb
prepare reap_claims as
with lapsed as materialized (
    select c.id, c.jobs, c.epochs from simple_queue.claim c
    where c.shard = $1 and c.id > $5::uuid and not exists (select from simple_queue.lease l where l.id = c.lease and l.shard = $1)
    order by c.id limit 20 for update of c skip locked),
  held as materialized (
    select j.id, q.name, said.*, cancelled, alone and j.stalls + 1 >= most_stalls or j.epoch >= 2146999999 as poisoned
    from lapsed c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select id, queue, epoch, stalls, suspicion > 2 and suspicion % 2 = 1 as alone, cancel_at is not null as cancelled from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update skip locked) j
    left join simple_queue.queue q on q.id = j.queue
    cross join lateral (select coalesce((q.policy ->> 'maxStalls')::int, $2::int) as most_stalls, (coalesce(q.policy -> 'onDeadJob'::text, $6::jsonb -> q.name, $6::jsonb -> ''::text) #>> '{}'::text[]) as policy) said),
  back as (
    update simple_queue.job set epoch = epoch + 1, run_at = statement_timestamp(),
      stalls = stalls + (suspicion = 2 or suspicion > 2 and suspicion % 2 = 1)::int,
      suspicion = case when suspicion = 1 and id = any(array(select id from held where most_stalls = 1)) then 3
        when suspicion < 3 or suspicion % 2 = 0 then least(suspicion + 1, 9) else suspicion end
    where shard = $1 and id = any(array(select id from held where not cancelled and not poisoned))
    returning id, lane, queue, priority, run_at, epoch, suspicion, limit_key),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from back where limit_key is null and suspicion > 0),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from back where limit_key is not null
    returning limit_key, queue),
  ending as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from held where cancelled or poisoned)) returning *),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from (select id, limit_key from back union all select id, limit_key from ending) t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, 'poisoned', lane, priority, attempt, stalls + 1, reschedules, created_at, run_at, statement_timestamp(), expires_at, unique_key, fingerprint, options, payload, payload_bytes, jsonb_build_object('name', 'QueueError', 'code', 'JOB_POISONED', 'message',
        'The process died ' || stalls + 1 || ' times while this job was suspected of it, at last while it ran alone.'), history, progress
    from ending e cross join lateral (
      select statement_timestamp() + (coalesce(q.policy -> 'deadLetter'::text, $3::jsonb -> q.name, $3::jsonb -> ''::text) #>> '{}'::text[])::float8 * interval '1 millisecond' as expires_at
      from (select) x left join simple_queue.queue q on q.id = e.queue) k
    where cancel_at is null
    returning id, expires_at),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, 'cancelled', lane, priority, attempt, stalls, reschedules, created_at, run_at, statement_timestamp(), expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress
    from ending e cross join lateral (
      select statement_timestamp() + (coalesce(q.policy -> 'archive'::text, $4::jsonb -> q.name, $4::jsonb -> ''::text) #>> '{}'::text[])::float8 * interval '1 millisecond' as expires_at
      from (select) x left join simple_queue.queue q on q.id = e.queue) k
    where cancel_at is not null and expires_at is not null),
  turned as materialized (
    select e.id, e.group_name, e.queue, h.name, e.seq, case when cancelled then 'skip' else policy end as policy
    from ending e join held h on h.id = e.id where e.seq is not null),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from turned where policy = 'skip'),
  stopped as (
    insert into simple_queue.head (group_name, shard, queue, dead, dead_seq, dead_at, dead_until, halts)
    select t.group_name, $1, t.queue, t.id, t.seq, statement_timestamp(), b.expires_at, t.policy = 'halt'
    from turned t join buried b on b.id = t.id where t.policy <> 'skip'
    on conflict (group_name, shard, queue) do update
      set dead = excluded.dead, dead_seq = excluded.dead_seq, dead_at = excluded.dead_at, dead_until = excluded.dead_until,
        halts = excluded.halts),
  arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, case when cancel_at is null then 'failed' else 'cancelled' end, null::jsonb, case when cancel_at is null then jsonb_build_object('name', 'QueueError', 'code', 'JOB_POISONED', 'message',
        'The process died ' || stalls + 1 || ' times while this job was suspected of it, at last while it ran alone.') end
    from ending where options ? 'step'::text),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, case when cancel_at is null then 'poisoned' else 'cancelled' end as ended_as, null::jsonb as answer, case when cancel_at is null then jsonb_build_object('name', 'QueueError', 'code', 'JOB_POISONED', 'message',
        'The process died ' || stalls + 1 || ' times while this job was suspected of it, at last while it ran alone.') end as failure from ending) t
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
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(
      select c.id from lapsed c where not exists (
        select from unnest(c.jobs, c.epochs) u(id, epoch)
        cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
        where not exists (select from held h where h.id = u.id)))))
  select (select count(*) from lapsed)::int as claims, (select id::text from lapsed order by lapsed.id desc limit 1) as last, (select count(*) from held)::int as jobs,
    (select count(*) from held where poisoned and not cancelled)::int as poisoned,
    (select count(*) from held where cancelled)::int as cancelled,
    exists (select from simple_queue.allotment where shard = $1) as "hasShares",
    (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'queue', name, 'group', group_name, 'onDeadJob', policy)), '[]')
      from turned where policy <> 'skip') as "deadJobs",
    (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'queue', h.name, 'name', l.name, 'laneId', e.lane, 'attempt', e.attempt + 1,
        'error', case when cancel_at is null then jsonb_build_object('name', 'QueueError', 'code', 'JOB_POISONED', 'message',
        'The process died ' || stalls + 1 || ' times while this job was suspected of it, at last while it ran alone.') end)), '[]')
      from ending e join held h on h.id = e.id left join simple_queue.lane l on l.id = e.lane) as ended;
