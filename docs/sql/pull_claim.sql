-- $1 smallint, $2 uuid, $3 integer[], $4 integer, $5 text, $6 integer, $7 double precision
prepare pull_claim as
with open as materialized (
    select u.lane from unnest($3::int[]) with ordinality u(lane, n)
    cross join lateral (select queue from simple_queue.lane where id = u.lane offset 0) l
    cross join lateral (select from simple_queue.queue where id = l.queue and paused_at is null offset 0) q
    left join lateral (
      select priority from simple_queue.ready where lane = u.lane and shard = $1 and pg_catalog.cardinality($3::int[]) between 2 and 100
      order by priority, run_at, id limit 1) f on true
    order by min(u.n) over (partition by l.queue), f.priority, u.n),
  own as materialized (
    select j.id, l.created_at > statement_timestamp() - interval '5 seconds' * power(4, (j.suspicion - 3) / 2) as is_alone
    from simple_queue.lease l
    cross join lateral (
      select id, suspicion from simple_queue.job where id = l.jobs[1] and shard = $1 and suspicion > 2 and suspicion % 2 = 1 offset 0) j
    where l.worker = $5 and l.shard = $1 and l.lone and l.expires_at > statement_timestamp()),
  lone as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select s.ctid from open q
      cross join lateral (
        select ctid from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion > 2
        order by suspicion, run_at, id limit 1 for update skip locked) s
      where not exists (
        select from simple_queue.lease where worker = $5 and shard = $1 and lone = any('{false,true}')
          and created_at > statement_timestamp() - interval '5 seconds' and expires_at > statement_timestamp()) limit 1))
    returning id, lane, run_at, epoch),
  room as materialized (
    select case when exists (select from lone) or exists (select from own where is_alone) then 0 else $4::int end as wanted),
  once as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select ctid from (
    select *, row_number() over () as place, sum(coalesce(octet_length(payload::text), 0) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0)) over (rows unbounded preceding) as bytes from (
      select * from (
        select *, sum(coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0)) over (rows between unbounded preceding and 1 preceding) as before from (select p.ctid, j.* from (select s.ctid, s.id from open q
      cross join lateral (
        select ctid, id from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion < 3
        order by suspicion, run_at, id limit $6::int for update skip locked) s
      limit (select least(wanted, $6::int) from room)) p left join lateral (
      select payload, payload_bytes, options, last_error from simple_queue.job where id = p.id and shard = $1 offset 0) j on true) s) l
      where before is null or before < 1048576 offset 0) t) w
  where place = 1 or bytes <= 1048576))
    returning id, lane, run_at, epoch),
  next as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(
      select ctid from (
    select *, row_number() over () as place, sum(coalesce(octet_length(payload::text), 0) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0)) over (rows unbounded preceding) as bytes from (
      select * from (
        select *, sum(coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0)) over (rows between unbounded preceding and 1 preceding) as before from (select p.ctid, j.* from (select s.ctid, s.id from open q
      cross join lateral (
        select ctid, id from simple_queue.ready where lane = q.lane and shard = $1
        order by priority, run_at, id limit $4::int for update skip locked) s
      limit (select greatest(0, wanted - (select count(*) from once)) from room)) p left join lateral (
      select payload, payload_bytes, options, last_error from simple_queue.job where id = p.id and shard = $1 offset 0) j on true) s) l
      where before is null or before < 1048576 offset 0) t) w
  where place = 1 or bytes <= 1048576))
    returning id, lane, run_at, epoch),
  taken as (select * from lone union all select * from once union all select * from next),
  accompanied as (
    update simple_queue.job set suspicion = suspicion + 1 where shard = $1 and suspicion > 2 and suspicion % 2 = 1
      and id = any(array(select id from own where exists (select from taken)))),
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $2::uuid, array_agg(id), array_agg(epoch) from taken having count(*) > 0),
  leased as (
    insert into simple_queue.lease (id, shard, worker, expires_at, lanes, jobs, lone)
    select $2::uuid, $1, $5, statement_timestamp() + $7::float8 * interval '1 millisecond', $3, array_agg(id), exists (select from lone)
    from taken having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane
  from taken n cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, null::json[] as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j
  order by j.priority, n.run_at, n.id;
