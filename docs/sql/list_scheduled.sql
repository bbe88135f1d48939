-- $1 smallint, $2 integer[], $3 timestamp with time zone, $4 uuid, $5 integer, $6 integer
prepare list_scheduled as
with walked as materialized (
    select id, run_at, lane from simple_queue.scheduled where shard = $1 and (run_at, id) > ($3::timestamptz, $4::uuid)
    order by run_at, id limit $6::int),
  hit as materialized (
    select id, run_at from walked where $2::int[] is null or lane = any($2::int[]) order by run_at, id limit $5::int)
  (select id, run_at::text as at, true as hit from hit order by run_at, id) union all
  (select id, run_at::text, false from walked where (select count(*) from hit) < $5::int and (select count(*) from walked) = $6::int
    order by run_at desc, id desc limit 1);
