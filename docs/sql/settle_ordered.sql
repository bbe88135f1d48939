-- $1 smallint, $2 uuid[], $3 integer[], $4 text, $5 jsonb, $6 integer[], $7 integer[], $8 uuid, $9 uuid, $10 uuid[], $11 uuid[], $12 tid[], $13 uuid[], $14 integer[], $15 integer[]
prepare settle_ordered as
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
    from (select *, $5::jsonb -> id::text as k from done) d where k is not null),
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
    where shard = $1 and id = any(array(select id from next where not follows)) returning id, lane, queue, priority, run_at, epoch, suspicion, commit_by, limit_key, group_name, fair),
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $8::uuid, $1, $9::uuid, array_agg(id), array_agg(epoch)
    from (select id, epoch from taken union all select id, epoch from known) n having count(*) > 0),
  over as (
    delete from simple_queue.claim where shard = $1 and id = any($10::uuid[])),
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
      select p.ctid from held t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select group_name, $1, queue from held h
    where (select count(*) from next) < (select count(*) from held)
      and seq is not null and not exists (select from next n where n.after = h.id)
    union all
    select group_name, $1, queue from first where (id in (select after from known)) is not true
    returning queue),
  told as (
    select json_build_object('lanes', array(select distinct lane from readied),
      'later', (select count(*) from scheduled),
      'vacant', (select count(*) from vacated),
      'keys', exists (select from unpermitted) or exists (select from keyed),
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
  select null, null, null, null, null, null, null, null, null, null, null, null, null, null, told, null, null, null, null, null from told;
