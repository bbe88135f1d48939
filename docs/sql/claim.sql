-- $1 smallint, $2 uuid[], $3 integer[], $4 integer[], $5 integer[], $6 integer[], $7 smallint[], $8 timestamp with time zone[], $9 uuid[], $10 smallint[], $11 integer, $12 uuid, $13 uuid, $14 integer
prepare claim as
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
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $12::uuid, $1, $13::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane
    from (select * from next order by priority, run_at, id) n
    cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > greatest(4096, $14::int / greatest(8, $11::int)) then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= greatest(4096, $14::int / greatest(8, $11::int)) then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j;
