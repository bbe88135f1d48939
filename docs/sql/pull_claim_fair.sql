-- $1 smallint, $2 uuid, $3 integer, $4 text, $5 integer, $6 text, $7 double precision
prepare pull_claim_fair as
with recursive own as materialized (
    select j.id, l.created_at > statement_timestamp() - interval '5 seconds' * power(4, (j.suspicion - 3) / 2) as is_alone
    from simple_queue.lease l
    cross join lateral (
      select id, suspicion from simple_queue.job where id = l.jobs[1] and shard = $1 and suspicion > 2 and suspicion % 2 = 1 offset 0) j
    where l.worker = $6 and l.shard = $1 and l.lone and l.expires_at > statement_timestamp()),
  room as materialized (
    select case when exists (select from own where is_alone) or exists (
      select from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where l.id = $3::int and q.paused_at is not null)
      then 0 else $5::int end as wanted),
  hop as (
    select group_name, group_name as first, 1 as n from (select coalesce(
      (select group_name from simple_queue.fair_ready where lane = $3::int and shard = $1 and group_name > $4::text order by group_name limit 1),
      (select group_name from simple_queue.fair_ready where lane = $3::int and shard = $1 order by group_name limit 1)) as group_name) f where group_name is not null
    union all
    select x.group_name, h.first, h.n + 1 from hop h cross join lateral (select coalesce(
      (select group_name from simple_queue.fair_ready where lane = $3::int and shard = $1 and group_name > h.group_name order by group_name limit 1),
      (select group_name from simple_queue.fair_ready where lane = $3::int and shard = $1 order by group_name limit 1)) as group_name) x
    where h.n < least($5::int, 500) and x.group_name <> h.first),
  seen as materialized (select group_name, n, count(*) over () as groups from hop),
  next as (
    delete from simple_queue.fair_ready where shard = $1 and ctid = any(array(
      select ctid from (
    select *, row_number() over () as place, sum(coalesce(octet_length(payload::text), 0) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0)) over (rows unbounded preceding) as bytes from (
      select * from (
        select *, sum(coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0)) over (rows between unbounded preceding and 1 preceding) as before from (select p.ctid, j.* from (select s.ctid, s.id from (select group_name, n, (select wanted from room) / groups + (n <= (select wanted from room) % groups)::int as share from seen order by n) g
      cross join lateral (
        select ctid, id from simple_queue.fair_ready where lane = $3::int and shard = $1 and group_name = g.group_name
        order by priority, run_at, id limit g.share for update skip locked) s) p left join lateral (
      select payload, payload_bytes, options, last_error from simple_queue.job where id = p.id and shard = $1 offset 0) j on true) s) l
      where before is null or before < 1048576 offset 0) t) w
  where place = 1 or bytes <= 1048576))
    returning id, lane, group_name, priority, run_at, epoch),
  accompanied as (
    update simple_queue.job set suspicion = suspicion + 1 where shard = $1 and suspicion > 2 and suspicion % 2 = 1
      and id = any(array(select id from own where exists (select from next)))),
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $2::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0),
  leased as (
    insert into simple_queue.lease (id, shard, worker, expires_at, lanes, jobs)
    select $2::uuid, $1, $6, statement_timestamp() + $7::float8 * interval '1 millisecond', array[$3::int], array_agg(id)
    from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane, (case when (select count(*) from next) < $5::int
    then (select group_name from seen where group_name in (select group_name from next) order by n desc limit 1)
    else (select group_name from seen where n = ($5::int - 1) % groups + 1) end) from (
    select c.* from next c join seen g on g.group_name = c.group_name
    order by row_number() over (partition by c.group_name order by c.priority, c.run_at, c.id), g.n) n cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, null::json[] as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j;
