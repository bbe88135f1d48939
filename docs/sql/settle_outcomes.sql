-- $1 smallint, $2 uuid[], $3 integer[], $4 text, $5 jsonb, $6 integer[], $7 integer[], $8 uuid, $9 uuid, $10 uuid[], $11 uuid[], $12 tid[], $13 uuid[], $14 integer[], $15 integer[]
prepare settle_outcomes as
with held as materialized (
    select u.id, u.ahead, j.* from unnest($2::uuid[], $3::int[], $6::int[]) u(id, epoch, ahead)
    cross join lateral (
      select queue, group_name, seq, limit_key from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j),
  gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from held)) returning id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload, payload_bytes, history, progress, queue),
  first as (
    delete from simple_queue.job where shard = $1 and id = any($11::uuid[]) and epoch = 0 returning id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload, payload_bytes, history, progress, queue, group_name),
  done as (select * from gone union all select id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload, payload_bytes, history, progress, queue from first),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at, finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select id, $1, 'succeeded', lane, priority, attempt + 1, stalls, reschedules, (k -> 'runMs')::int, created_at, run_at, statement_timestamp(), statement_timestamp() + (k -> 'keepMs')::float8 * interval '1 millisecond', $4, unique_key, fingerprint, options, payload, payload_bytes, k -> 'output', history, progress
    from (select *, $5::jsonb -> id::text as k from done) d where k ? 'keepMs'),
  ending as materialized (
    select h.id, h.limit_key, h.queue, case when h.seq is null then h.ahead end as ahead, p.place, p.slot from held h
    cross join lateral (
      select ctid as place, slot from simple_queue.permit where id = h.id and shard = $1 limit 1 for update) p
    where h.limit_key is not null),
  rule as materialized (
    select q.queue, l.concurrency from (select distinct queue from ending) q
    cross join lateral (
      select concurrency from simple_queue.fleet_limit
      where name = (select name from simple_queue.queue where id = q.queue) || '/*' and shard = $1 and rate is null) l),
  spare as materialized (
    select e.limit_key, e.queue, max(r.concurrency) as concurrency, array_agg(e.id order by e.slot) as afters,
      array_agg(e.slot order by e.slot) as slots, array_agg(e.ahead order by e.slot) as aheads
    from ending e cross join lateral (select concurrency from rule where queue = e.queue offset 0) r
    where e.slot < r.concurrency group by e.limit_key, e.queue),
  waiting as materialized (
    select s.*, w.* from spare s cross join lateral (
      select ctid as place, id, lane, epoch, run_at from simple_queue.keyed
      where limit_key = s.limit_key and shard = $1 and queue = s.queue order by priority, run_at, id limit cardinality(s.slots) for update skip locked) w),
  heir as materialized (
    select n.*, afters[nth] as after, slots[nth] as slot, aheads[nth] as ahead from (
      select n.*, j.*, row_number() over (partition by n.limit_key, n.queue order by j.priority, n.run_at, n.id) as nth from waiting n
      cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, fair, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > greatest(4096, 131072::int / greatest(8, cardinality($2::uuid[])::int)) then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= greatest(4096, 131072::int / greatest(8, cardinality($2::uuid[])::int)) then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 limit 1 for update skip locked) j
      where j.own_lane is null and not exists (
        select from simple_queue.permit where limit_key = n.limit_key and shard = $1 and queue = n.queue and slot >= 0 and slot >= n.concurrency offset 0)) n),
  known as materialized (
    select u.after, u.id, u.epoch, n.place from unnest($11::uuid[], $12::tid[], $13::uuid[], $14::int[], $15::int[]) u(after, place, id, epoch, queue)
    cross join lateral (
      select ctid as place from simple_queue.blocked
      where ctid = u.place and shard = $1 and id = u.id and epoch = u.epoch limit 1 for update skip locked) n
    where (u.after in (select id from first)) is true and not exists (select from simple_queue.head x where x.queue = u.queue and x.shard = $1 and x.halts offset 0)),
  next as materialized (
    select n.*, n.ahead is not null and n.lane = any($7::int[]) and n.run_at <= statement_timestamp() and n.suspicion = 0
      and n.commit_by is null and n.limit_key is null and n.own_lane is null as follows from (
      select h.id as after, h.ahead, h.group_name, h.queue, n.place, n.seq, n.id, n.lane, n.epoch, j.* from held h
      cross join lateral (
        select ctid as place, epoch from simple_queue.blocked
        where group_name = h.group_name and shard = $1 and queue = h.queue and seq > h.seq order by seq limit 1) l
      cross join lateral (
        select ctid as place, seq, id, lane, epoch, null::timestamptz as run_at from simple_queue.blocked
        where ctid = l.place and shard = $1 and epoch = l.epoch limit 1 for update skip locked) n
      cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, run_at, commit_by, limit_key, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > greatest(4096, 131072::int / greatest(8, cardinality($2::uuid[])::int)) then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= greatest(4096, 131072::int / greatest(8, cardinality($2::uuid[])::int)) then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 limit 1 for update skip locked) j
      where not exists (select from simple_queue.head x where x.queue = h.queue and x.shard = $1 and x.halts offset 0)) n),
  taken as materialized (select * from next where follows),
  ahead as materialized (
    select a.* from taken t cross join lateral (
      select n.*, bool_and(n.lane = any($7::int[]) and n.run_at <= statement_timestamp() and n.suspicion = 0
      and n.commit_by is null and n.limit_key is null and n.own_lane is null and n.large is null) over (order by n.seq) as follows from (
        select t.id as after, n.place, n.seq, n.id, n.lane, n.epoch, j.* from (
          select ctid as place, seq, id, lane, epoch, null::timestamptz as run_at from simple_queue.blocked
          where group_name = t.group_name and shard = $1 and queue = t.queue and seq > t.seq order by seq limit t.ahead) n
        cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, run_at, commit_by, limit_key, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > 1000 then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= 1000 then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j) n) a
    where a.follows),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(select place from next union all select place from known)) returning id),
  moved as (
    update simple_queue.job set run_at = greatest(run_at, statement_timestamp())
    where shard = $1 and id = any(array(select id from next where not follows union all select id from heir where not (ahead is not null and lane = any($7::int[]) and suspicion = 0 and fair is null))) returning id, lane, queue, priority, run_at, epoch, suspicion, commit_by, limit_key, group_name, fair),
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $8::uuid, $1, $9::uuid, array_agg(id), array_agg(epoch)
    from (select id, epoch from taken union all select id, epoch from known union all select id, epoch from heir where ahead is not null and lane = any($7::int[]) and suspicion = 0 and fair is null) n having count(*) > 0),
  over as (
    delete from simple_queue.claim where shard = $1 and id = any($10::uuid[])),
  put as (
    select m.id, lane, queue, priority, run_at, epoch, suspicion, commit_by, group_name, fair,
      case when (m.id in (select id from heir)) is true then null else limit_key end as limit_key
    from moved m),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from put where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair is null
    returning lane),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from put where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair
    returning lane),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from put where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion > 0),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from put where commit_by is null and run_at > statement_timestamp()
    returning id),
  staged as (
    insert into simple_queue.staged (id, shard, lane, epoch)
    select id, $1, lane, epoch from put where commit_by is not null),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from put where commit_by is null and run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1 and ctid = any(array(select place from heir))),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(select place from ending)) returning id),
  permitted as (
    insert into simple_queue.permit (id, shard, limit_key, queue, slot)
    select id, $1, limit_key, queue, slot from heir where (select count(*) from unpermitted) is not null),
  freed as (
    select limit_key, queue from ending where (id in (select after from heir)) is not true),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from freed union all select limit_key, queue from keyed) k),
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
    select group_name, $1, queue from held h
    where (select count(*) from next) < (select count(*) from held)
      and seq is not null and not exists (select from next n where n.after = h.id)
    union all
    select group_name, $1, queue from first where (id in (select after from known)) is not true
    returning queue),
  told as (
    select json_build_object('lanes', array(select distinct lane from (select lane from readied union all select lane from fairly union all select lane from outcomes) w),
      'later', (select count(*) from scheduled),
      'vacant', (select count(*) from vacated),
      'fair', exists (select from fairly),
      'keys', exists (select from freed) or exists (select from keyed),
      'lost', array(select u.id from unnest($2::uuid[]) u(id)
        where (select count(*) from held) < cardinality($2::uuid[]) and not exists (select from held h where h.id = u.id)
        union all select u.id from unnest($11::uuid[]) u(id) where (u.id in (select id from first)) is not true),
      'at', statement_timestamp()::text,
      'missed', array(select u.id from unnest($13::uuid[]) u(id) where (u.id in (select id from known)) is not true)) as told)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(n.priority, 0), greatest(n.run_at, statement_timestamp())::text, nullif(n.attempt, 0), nullif(n.stalls, 0),
  nullif(n.reschedules, 0), nullif(n.suspicion, 0), nullif(n.created_at, greatest(n.run_at, statement_timestamp()))::text, n.cancel_at::text, n.unique_key, n.fingerprint,
  case when n.large[2] is null then n.options else n.options - '{headers,checkpoint}'::text[] end,
  case when n.large is null then n.payload else n.large[1] end,
  case when n.large[2] is null then n.payload_bytes end, case when n.large[2] is null then n.last_error end, n.own_lane, n.after, null from taken n
  union all
  select n.id, n.lane, nullif(n.epoch, 0), nullif(n.priority, 0), n.run_at::text, nullif(n.attempt, 0), nullif(n.stalls, 0),
  nullif(n.reschedules, 0), nullif(n.suspicion, 0), nullif(n.created_at, n.run_at)::text, n.cancel_at::text, n.unique_key, n.fingerprint,
  case when n.large[2] is null then n.options else n.options - '{headers,checkpoint}'::text[] end,
  case when n.large is null then n.payload else n.large[1] end,
  case when n.large[2] is null then n.payload_bytes end, case when n.large[2] is null then n.last_error end, n.own_lane, n.after, n.place::text from ahead n
  union all
  select n.id, n.lane, nullif(n.epoch, 0), nullif(n.priority, 0), greatest(n.run_at, statement_timestamp())::text, nullif(n.attempt, 0), nullif(n.stalls, 0),
  nullif(n.reschedules, 0), nullif(n.suspicion, 0), nullif(n.created_at, greatest(n.run_at, statement_timestamp()))::text, n.cancel_at::text, n.unique_key, n.fingerprint,
  case when n.large[2] is null then n.options else n.options - '{headers,checkpoint}'::text[] end,
  case when n.large is null then n.payload else n.large[1] end,
  case when n.large[2] is null then n.payload_bytes end, case when n.large[2] is null then n.last_error end, n.own_lane, n.after, null from heir n where ahead is not null and lane = any($7::int[]) and suspicion = 0 and fair is null
  union all
  select null, null, null, null, null, null, null, null, null, null, null, null, null, null, told, null, null, null, null, null from told;
