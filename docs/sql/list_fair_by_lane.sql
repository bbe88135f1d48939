-- $1 smallint, $2 integer[], $3 integer, $4 integer, $5 uuid, $6 integer, $7 text, $8 smallint, $9 timestamp with time zone
prepare list_fair_by_lane as
with walked as materialized (
    select lane, group_name, priority, run_at, id from simple_queue.fair_ready
    where shard = $1 and (lane, shard, group_name, priority, run_at, id) > ($6::int, $1::smallint, $7::text, $8::smallint, $9::timestamptz, $5::uuid)
    order by lane, shard, group_name, priority, run_at, id limit $4::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by lane, group_name, priority, run_at, id limit $3::int)
  (select id, jsonb_build_array(lane, group_name, priority, run_at::text)::text as at, true as hit from hit order by lane, group_name, priority, run_at, id) union all
  (select id, jsonb_build_array(lane, group_name, priority, run_at::text)::text as at, false from walked where (select count(*) from hit) < $3::int and (select count(*) from walked) = $4::int
    order by lane desc, group_name desc, priority desc, run_at desc, id desc limit 1);
