-- $1 smallint, $2 uuid[], $3 jsonb, $4 boolean
prepare cancel as
with target as materialized (
    select id, epoch, lane, priority, run_at, suspicion, group_name, queue, seq, commit_by, fair, limit_key
    from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  unready as (
    delete from simple_queue.ready where shard = $1
      and lane = any(array(select distinct lane from target))
      and priority = any(array(select distinct priority from target))
      and run_at between (select pg_catalog.min(run_at) from target) and (select pg_catalog.max(run_at) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p)) returning id),
  unfair as (
    delete from simple_queue.fair_ready where shard = $1
      and lane = any(array(select distinct lane from target where fair))
      and group_name = any(array(select distinct group_name from target where fair)) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.fair_ready p where p.lane = t.lane and p.shard = $1 and p.group_name = t.group_name and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.fair)) returning id),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select pg_catalog.min(run_at) from target) and (select pg_catalog.max(run_at) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id for update) p)) returning id),
  unsuspected as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.suspect p where p.lane = t.lane and p.shard = $1 and p.suspicion = t.suspicion and p.run_at = t.run_at and p.id = t.id for update) p)) returning id),
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(
      select j.id from target t cross join lateral (
        select id from simple_queue.job where id = t.id and shard = $1 for update) j where t.commit_by is not null)) returning id),
  unblocked as (
    delete from simple_queue.blocked where shard = $1
      and group_name = any(array(select distinct group_name from target))
      and queue = any(array(select distinct queue from target))
      and seq between (select pg_catalog.min(seq) from target) and (select pg_catalog.max(seq) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.blocked p where p.group_name = t.group_name and p.shard = $1 and p.queue = t.queue and p.seq = t.seq for update) p)) returning id),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1
      and limit_key = any(array(select distinct limit_key from target where limit_key is not null))
      and queue = any(array(select distinct queue from target where limit_key is not null)) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.limit_key is not null)) returning id),
  turned as materialized (
    select id from unready union all select id from unscheduled union all select id from unsuspected union all select id from unstaged
    union all select id from unkeyed),
  waiting as materialized (
    select id from turned union all select id from unblocked union all select id from unfair),
  lost as materialized (
    select j.id, t.group_name, t.queue, t.seq from target t cross join lateral (
      select id from simple_queue.job where id = t.id and shard = $1 and epoch = t.epoch for update) j
    where t.id not in (select id from waiting)
      and not exists (select from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = t.lane and p.shard = $1 and p.group_name = t.group_name and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = t.lane and p.shard = $1 and p.suspicion = t.suspicion and p.run_at = t.run_at and p.id = t.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = t.group_name and p.shard = $1 and p.queue = t.queue and p.seq = t.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = t.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and t.id = any(c.jobs) and u.id = t.id and u.epoch = t.epoch)),
  gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from waiting union all select id from lost)) returning *),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, 'cancelled', lane, priority, attempt, stalls, reschedules, created_at, run_at, statement_timestamp(), expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress
    from gone g cross join lateral (
      select statement_timestamp() + (coalesce(q.policy -> 'archive'::text, $3::jsonb -> q.name, $3::jsonb -> ''::text) #>> '{}'::text[])::float8 * interval '1 millisecond' as expires_at
      from (select) x left join simple_queue.queue q on q.id = g.queue) k
    where expires_at is not null and $4::boolean),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from (
      select group_name, queue from gone where seq is not null and id in (select id from turned)
      union select g.group_name, g.queue from lost g
      where not exists (select from simple_queue.head h
          where h.group_name = g.group_name and h.shard = $1 and h.queue = g.queue and h.dead is not null offset 0)
        and not exists (select from simple_queue.vacant v where v.queue = g.queue and v.shard = $1 and v.group_name = g.group_name offset 0)
        and not exists (select from simple_queue.job o
          where o.group_name = g.group_name and o.shard = $1 and o.queue = g.queue and o.seq is not null
            and not exists (select from simple_queue.blocked b
              where b.group_name = o.group_name and b.shard = $1 and b.queue = o.queue and b.seq = o.seq offset 0)
            and not (not exists (select from simple_queue.ready p where p.lane = o.lane and p.shard = $1 and p.priority = o.priority and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = o.lane and p.shard = $1 and p.group_name = o.group_name and p.priority = o.priority and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = o.lane and p.shard = $1 and p.suspicion = o.suspicion and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = o.run_at and p.shard = $1 and p.id = o.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = o.group_name and p.shard = $1 and p.queue = o.queue and p.seq = o.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = o.limit_key and p.shard = $1 and p.queue = o.queue and p.priority = o.priority and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = o.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and o.id = any(c.jobs) and u.id = o.id and u.epoch = o.epoch))) and g.seq is not null) t),
  arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, 'cancelled', null::jsonb, null::jsonb
    from gone where options ? 'step'::text),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, 'cancelled'::text as ended_as, null::jsonb as answer, null::jsonb as failure from gone) t
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
      select limit_key, queue from unpermitted) k),
  flagged as (
    update simple_queue.job set cancel_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from target except select id from waiting except select id from lost)) and cancel_at is null and $4::boolean returning id)
  select (select count(*) from gone)::int as cancelled, (select count(*) from flagged)::int as requested;
