-- $1 smallint, $2 integer[], $3 smallint, $4 timestamp with time zone, $5 uuid, $6 integer
prepare list_ready as
select r.id, r.priority, r.run_at::text as at from unnest($2::int[]) q(lane) cross join lateral (
    select id, priority, run_at from simple_queue.ready
    where lane = q.lane and shard = $1 and (priority, run_at, id) > ($3::smallint, $4::timestamptz, $5::uuid)
    order by priority, run_at, id limit $6::int) r
  order by r.priority, r.run_at, r.id limit $6::int;
