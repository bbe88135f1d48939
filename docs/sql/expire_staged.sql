-- $1 smallint, $2 jsonb
prepare expire_staged as
with due as materialized (
    select id, epoch from simple_queue.job where shard = $1 and commit_by <= statement_timestamp()
    order by commit_by limit 500 for update skip locked),
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
  lost as materialized (
    select j.id, j.group_name, j.queue, j.seq from due d cross join lateral (
      select * from simple_queue.job where id = d.id and shard = $1 and epoch = d.epoch offset 0) j
    where d.id not in (select id from unstaged union all select id from unblocked)
      and not exists (select from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = j.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and j.id = any(c.jobs) and u.id = j.id and u.epoch = j.epoch)),
  gone as (
    delete from simple_queue.job where shard = $1
      and id = any(array(select id from unstaged union all select id from unblocked union all select id from lost))
    returning *),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, 'expired', lane, priority, attempt, stalls, reschedules, created_at, run_at, statement_timestamp(), expires_at, unique_key, fingerprint, options, payload, payload_bytes, jsonb_build_object('name', 'QueueError', 'code', 'COMMIT_EXPIRED', 'message',
        'The staged job was neither committed nor aborted in its time.'), history, progress
    from gone g cross join lateral (
      select statement_timestamp() + (coalesce(q.policy -> 'deadLetter'::text, $2::jsonb -> q.name, $2::jsonb -> ''::text) #>> '{}'::text[])::float8 * interval '1 millisecond' as expires_at
      from (select) x left join simple_queue.queue q on q.id = g.queue) k),
  outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from statement_timestamp()) * 1000)::bigint) from 3) from 1 for 6) placing '\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, 'expired'::text as ended_as, null::jsonb as answer, jsonb_build_object('name', 'QueueError', 'code', 'COMMIT_EXPIRED', 'message',
        'The staged job was neither committed nor aborted in its time.') as failure from gone) t
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
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from (
      select group_name, queue from gone where seq is not null and id in (select id from unstaged)
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
      where c.shard = $1 and o.id = any(c.jobs) and u.id = o.id and u.epoch = o.epoch))) and g.seq is not null) t)
  select (select count(*) from due)::int as due, (select count(*) from gone)::int as expired;
