-- $1 smallint, $2 integer[], $3 integer[], $4 text[], $5 integer[], $6 smallint[], $7 timestamp with time zone[], $8 double precision[], $9 text[], $10 text[], $11 text[], $12 bytea[], $13 text[]
prepare replace as
with target as materialized (
    select i.position, i.lane as new_lane, i.priority as new_priority, i.fingerprint, i.options, i.payload, i.payload_bytes, i.limit_key as new_key, j.*,
      greatest(statement_timestamp(), coalesce(i.at, statement_timestamp() + i.delay_ms * interval '1 millisecond')) as due
    from unnest($2::int[], $3::int[], $4::text[], $5::int[], $6::smallint[], $7::timestamptz[], $8::float8[], $9::text[], $10::text[],
                $11::text[], $12::bytea[], $13::text[])
      i(position, queue, unique_key, lane, priority, at, delay_ms, fingerprint, options, payload, payload_bytes, limit_key)
    cross join lateral (
      select id, lane, queue, priority, run_at, suspicion, limit_key, seq, coalesce(group_name, commit_by::text) as group_name from simple_queue.job
      where unique_key = i.unique_key and shard = $1 and queue = i.queue limit 1) j),
  seen as materialized (
    select t.id from target t
    where t.group_name is null and (exists (select from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      or exists (select from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id offset 0)
      or exists (select from simple_queue.suspect p where p.lane = t.lane and p.shard = $1 and p.suspicion = t.suspicion and p.run_at = t.run_at and p.id = t.id offset 0)
      or exists (select from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0))),
  unready as (
    delete from simple_queue.ready where shard = $1
      and lane = any(array(select distinct lane from target))
      and priority = any(array(select distinct priority from target))
      and run_at between (select pg_catalog.min(run_at) from target) and (select pg_catalog.max(run_at) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.group_name is null)) returning id),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select pg_catalog.min(run_at) from target) and (select pg_catalog.max(run_at) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id for update) p where t.group_name is null)) returning id),
  unsuspected as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.suspect p where p.lane = t.lane and p.shard = $1 and p.suspicion = t.suspicion and p.run_at = t.run_at and p.id = t.id for update) p where t.group_name is null)) returning id),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1
      and limit_key = any(array(select distinct limit_key from target where limit_key is not null))
      and queue = any(array(select distinct queue from target where limit_key is not null)) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.limit_key is not null and t.group_name is null)) returning id),
  waiting as materialized (
    select id from unready union all select id from unscheduled union all select id from unsuspected union all select id from unkeyed),
  moved as (
    update simple_queue.job j set lane = t.new_lane, priority = t.new_priority, run_at = t.due, fingerprint = t.fingerprint,
      options = t.options::jsonb, payload = t.payload::json, payload_bytes = t.payload_bytes, limit_key = t.new_key,
      attempt = 0, reschedules = 0, last_error = null, progress = null, cancel_at = null
    from target t
    where j.shard = $1 and j.id = any(array(select id from waiting)) and t.id = j.id
    returning j.id, j.lane, j.queue, j.priority, j.run_at, j.epoch, j.suspicion, j.limit_key),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where run_at <= statement_timestamp() and limit_key is null and suspicion = 0),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from moved where run_at > statement_timestamp()),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where run_at <= statement_timestamp() and limit_key is null and suspicion > 0),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from (select id, limit_key from target where id in (select id from moved)) t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k)
  select t.position, t.id, exists (select from moved m where m.id = t.id) as replaced,
    not exists (select from seen s where s.id = t.id) as running, t.lane = t.new_lane as fits,
    t.group_name is not null and (exists (select from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      or exists (select from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id offset 0)
      or exists (select from simple_queue.suspect p where p.lane = t.lane and p.shard = $1 and p.suspicion = t.suspicion and p.run_at = t.run_at and p.id = t.id offset 0)
      or exists (select from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      or exists (select from simple_queue.fair_ready p where p.lane = t.lane and p.shard = $1 and p.group_name = t.group_name and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id offset 0)
      or exists (select from simple_queue.blocked p where p.group_name = t.group_name and p.shard = $1 and p.queue = t.queue and p.seq = t.seq offset 0)
      or exists (select from simple_queue.staged p where p.id = t.id and p.shard = $1 offset 0)) as held
  from target t;
