-- $1 smallint, $2 integer[], $3 integer, $4 integer, $5 uuid, $6 integer, $7 smallint, $8 timestamp with time zone
prepare list_suspects_by_lane as
with walked as materialized (
    select lane, suspicion, run_at, id from simple_queue.suspect
    where shard = $1 and (lane, shard, suspicion, run_at, id) > ($6::int, $1::smallint, $7::smallint, $8::timestamptz, $5::uuid)
    order by lane, shard, suspicion, run_at, id limit $4::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by lane, suspicion, run_at, id limit $3::int)
  (select id, jsonb_build_array(lane, suspicion, run_at::text)::text as at, true as hit from hit order by lane, suspicion, run_at, id) union all
  (select id, jsonb_build_array(lane, suspicion, run_at::text)::text as at, false from walked where (select count(*) from hit) < $3::int and (select count(*) from walked) = $4::int
    order by lane desc, suspicion desc, run_at desc, id desc limit 1);
