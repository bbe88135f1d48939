-- $1 smallint, $2 uuid[], $3 integer[], $4 integer[], $5 integer[], $6 integer[], $7 smallint[], $8 timestamp with time zone[], $9 uuid[], $10 smallint[], $11 integer, $12 uuid, $13 uuid
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
  j.options, j.payload, j.payload_bytes, j.last_error
    from (select * from next order by priority, run_at, id) n
    cross join lateral (select * from simple_queue.job where id = n.id and shard = $1 offset 0) j;
