-- $1 smallint, $2 uuid[], $3 integer[], $4 integer[], $5 integer[], $6 integer[], $7 smallint[], $8 timestamp with time zone[], $9 uuid[], $10 smallint[], $11 integer, $12 uuid, $13 uuid, $14 integer
prepare claim_soon as
with ended as (
    delete from simple_queue.claim where shard = $1 and id = any($2::uuid[])),
  next as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(
      select s.ctid from unnest($3::int[], $4::int[], $5::int[], $6::int[]) q(lane, wanted, lo, hi)
      cross join lateral (
        select r.ctid from unnest(($7::smallint[])[q.lo:q.hi], ($8::timestamptz[])[q.lo:q.hi], ($9::uuid[])[q.lo:q.hi],
                                  ($10::smallint[])[q.lo:q.hi]) h(priority, run_at, id, upto)
        cross join lateral (
          select ctid from simple_queue.ready
          where lane = q.lane and shard = $1 and (priority, run_at, id) > (h.priority, h.run_at, h.id) and priority <= h.upto
          order by priority, run_at, id limit q.wanted for update skip locked) r
        limit q.wanted) s
      limit $11::int))
    returning id, lane, priority, run_at, epoch),
  raised as (
    update simple_queue.job set epoch = epoch + $14::int where shard = $1 and id = any(array(
      select j.id from next n cross join lateral (
        select id from simple_queue.job
        where id = n.id and shard = $1 and epoch = n.epoch and epoch < 1000000000 and lane = n.lane and run_at = n.run_at
        limit 1 for update skip locked) j))
    returning id, lane, priority, run_at, epoch),
  held as materialized (
    select id, lane, priority, run_at, epoch - $14::int as epoch, epoch as own_epoch from raised
    union all select id, lane, priority, run_at, epoch, epoch from next n
      where (select count(*) from raised) < (select count(*) from next) and not exists (select from raised r where r.id = n.id)),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $12::uuid, $1, $13::uuid, array_agg(id), array_agg(own_epoch) from held having count(*) > 0)
  select n.id, n.lane, nullif(n.own_epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.weight is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.weight is null then j.payload else (' ' || j.weight)::json end,
  case when j.weight is null then j.payload_bytes end, case when j.weight is null then j.last_error end, j.own_lane
    from (select * from held order by priority, run_at, id) n
    cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) > least(16384, greatest(4096, 131072 / greatest(1, $11::int))) then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else (select w from (select coalesce(octet_length(payload::text), 0) + 2 * coalesce(octet_length(payload_bytes), 0)
  + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) as w offset 0) s where w > least(16384, greatest(4096, 131072 / greatest(1, $11::int)))) end end as weight
      from simple_queue.job where id = n.id and shard = $1 offset 0) j
    cross join (select case when not exists (select from held where own_epoch = epoch)
      then set_config('synchronous_commit', 'off', true) end as commits offset 0) c
    where c.commits is distinct from '';
