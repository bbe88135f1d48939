-- $1 smallint, $2 uuid[], $3 timestamp with time zone, $4 double precision, $5 smallint, $6 text, $7 bytea, $8 boolean, $9 text, $10 boolean
prepare change as
with target as materialized (
    select id, lane, priority, run_at, suspicion, group_name, queue, seq, fair, commit_by, limit_key, case when $5::smallint is not null and seq is not null then 'ordered'
      when $6::text is not null and not $8::boolean and (limit_key is not null or exists (
        select from simple_queue.queue q join simple_queue.fleet_limit f on f.name = q.name || '/*'::text and f.shard = $1
        where q.id = job.queue)) then 'keyed' end as refused,
      case when $3::timestamptz is null and $4::float8 is null then run_at
        else greatest(statement_timestamp(), coalesce($3::timestamptz, statement_timestamp() + $4::float8 * interval '1 millisecond')) end as due
    from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  asked as materialized (select * from target where refused is null),
  unready as (
    delete from simple_queue.ready where shard = $1
      and lane = any(array(select distinct lane from asked))
      and priority = any(array(select distinct priority from asked))
      and run_at between (select pg_catalog.min(run_at) from asked) and (select pg_catalog.max(run_at) from asked) and ctid = any(array(
      select p.ctid from asked t cross join lateral (
        select ctid from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p)) returning id),
  unfair as (
    delete from simple_queue.fair_ready where shard = $1
      and lane = any(array(select distinct lane from asked where fair))
      and group_name = any(array(select distinct group_name from asked where fair)) and ctid = any(array(
      select p.ctid from asked t cross join lateral (
        select ctid from simple_queue.fair_ready p where p.lane = t.lane and p.shard = $1 and p.group_name = t.group_name and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.fair)) returning id),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select pg_catalog.min(run_at) from asked) and (select pg_catalog.max(run_at) from asked) and ctid = any(array(
      select p.ctid from asked t cross join lateral (
        select ctid from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id for update) p)) returning id),
  unsuspected as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select p.ctid from asked t cross join lateral (
        select ctid from simple_queue.suspect p where p.lane = t.lane and p.shard = $1 and p.suspicion = t.suspicion and p.run_at = t.run_at and p.id = t.id for update) p)) returning id),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1
      and limit_key = any(array(select distinct limit_key from asked where limit_key is not null))
      and queue = any(array(select distinct queue from asked where limit_key is not null)) and ctid = any(array(
      select p.ctid from asked t cross join lateral (
        select ctid from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.limit_key is not null)) returning id),
  held as materialized (
    select t.id, 'blocked' as place from asked t cross join lateral (
      select id from simple_queue.blocked p where p.group_name = t.group_name and p.shard = $1 and p.queue = t.queue and p.seq = t.seq for update) p
    union all
    select t.id, 'staged' from asked t cross join lateral (
      select id from simple_queue.job where id = t.id and shard = $1 for update) j cross join lateral (
      select id from simple_queue.staged p where p.id = t.id and p.shard = $1 for update) p where t.commit_by is not null),
  waiting as materialized (
    select id from unready union all select id from unfair union all select id from unscheduled union all select id from unsuspected
    union all select id from unkeyed union all select id from held),
  stamped as (
    update simple_queue.blocked set epoch = epoch + 1
    where shard = $1 and group_name = any(array(select group_name from asked)) and queue = any(array(select queue from asked))
      and seq = any(array(select seq from asked where commit_by is null)) and id = any(array(select id from held where place = 'blocked')) returning id),
  moved as (
    update simple_queue.job j set epoch = j.epoch + (j.id = any(array(select id from stamped)))::int, run_at = t.due, priority = coalesce($5::smallint, j.priority),
      payload = coalesce($6::text::json, j.payload), payload_bytes = case when $10::boolean then $7::bytea else coalesce($7::bytea, j.payload_bytes) end,
      limit_key = case when $8::boolean then $9::text else j.limit_key end, options = case when $8::boolean then nullif(coalesce(j.options, '{}'::jsonb) - 'limitKey'::text || case when $9::text is null then '{}'::jsonb
        else pg_catalog.jsonb_build_object('limitKey', $9::text) end, '{}'::jsonb) else j.options end
    from asked t
    where j.shard = $1 and j.id = any(array(select id from waiting)) and t.id = j.id
    returning j.id, j.lane, j.queue, j.priority, j.run_at, j.epoch, j.suspicion, j.group_name, j.fair, j.commit_by, j.limit_key),
  free as materialized (select * from moved where id not in (select id from held)),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from free where run_at > statement_timestamp()),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from free where run_at <= statement_timestamp() and limit_key is null and suspicion > 0),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from free where run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from free where run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair is null),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from free where run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from (select a.id, a.limit_key from free f join asked a on a.id = f.id) t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k)
  select t.lane, t.fair, t.limit_key is not null as "wasKeyed", m.limit_key is not null as keyed, m.suspicion > 0 as suspect, t.refused, m.id is not null as changed,
    case when m.commit_by is not null then 'staged' when h.id is not null then 'blocked' when m.run_at > statement_timestamp() then 'scheduled'
      when m.limit_key is not null then 'blocked'
      else 'ready' end as state
  from target t left join moved m on m.id = t.id left join held h on h.id = t.id;
