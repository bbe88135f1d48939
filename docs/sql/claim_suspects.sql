-- $1 smallint, $2 uuid, $3 integer[], $4 integer[], $5 smallint, $6 smallint, $7 uuid, $8 integer
prepare claim_suspects as
with next as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select s.ctid from unnest($3::int[], $4::int[]) q(lane, wanted)
      cross join lateral (
        select ctid from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion >= $5::smallint and suspicion <= $6::smallint
        order by suspicion, run_at, id limit q.wanted for update skip locked) s
      limit $8::int))
    returning id, lane, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $7::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  j.options, j.payload, j.payload_bytes, j.last_error
  from next n cross join lateral (select * from simple_queue.job where id = n.id and shard = $1 offset 0) j;
