-- $1 smallint, $2 integer[], $3 integer, $4 text, $5 smallint, $6 timestamp with time zone, $7 uuid, $8 integer
prepare list_fair as
with page as materialized (
    (select f.* from unnest($2::int[]) q(lane) cross join lateral (
      select lane, group_name, priority, run_at, id from simple_queue.fair_ready
      where lane = q.lane and shard = $1 and (group_name, priority, run_at, id) > ($4::text, $5::smallint, $6::timestamptz, $7::uuid)
      order by group_name, priority, run_at, id limit $8::int) f
    where q.lane = $3::int)
    union all
    (select f.* from unnest($2::int[]) q(lane) cross join lateral (
      select lane, group_name, priority, run_at, id from simple_queue.fair_ready where lane = q.lane and shard = $1
      order by group_name, priority, run_at, id limit $8::int) f
    where q.lane > $3::int))
  select id, jsonb_build_array(lane, group_name, priority, run_at::text)::text as at from page
  order by lane, group_name, priority, run_at, id limit $8::int;
