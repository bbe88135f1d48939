-- $1 smallint, $2 uuid, $3 integer, $4 text, $5 integer, $6 uuid
prepare claim_fair as
with recursive hop as (
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
      select p.ctid from (select s.ctid, s.id from (select group_name, n, $5::int / groups + (n <= $5::int % groups)::int as share from seen order by n) g
      cross join lateral (
        select ctid, id from simple_queue.fair_ready where lane = $3::int and shard = $1 and group_name = g.group_name
        order by priority, run_at, id limit g.share for update skip locked) s) p))
    returning id, lane, group_name, priority, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $6::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane, (select group_name from seen where n = ($5::int - 1) % groups + 1) from (
    select c.* from next c join seen g on g.group_name = c.group_name
    order by row_number() over (partition by c.group_name order by c.priority, c.run_at, c.id), g.n) n cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > greatest(4096, 131072::int / greatest(8, $5::int)) then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= greatest(4096, 131072::int / greatest(8, $5::int)) then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j;
