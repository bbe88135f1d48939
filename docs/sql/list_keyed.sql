-- $1 smallint, $2 integer[], $3 text, $4 integer, $5 smallint, $6 timestamp with time zone, $7 uuid, $8 integer, $9 integer
prepare list_keyed as
with walked as materialized (
    select limit_key, queue, priority, run_at, id, lane from simple_queue.keyed
    where shard = $1 and (limit_key, queue, priority, run_at, id) > ($3::text, $4::int, $5::smallint, $6::timestamptz, $7::uuid)
    order by limit_key, queue, priority, run_at, id limit $9::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by limit_key, queue, priority, run_at, id limit $8::int)
  (select id, jsonb_build_array(limit_key, queue, priority, run_at::text)::text as at, true as hit from hit
    order by limit_key, queue, priority, run_at, id) union all
  (select id, jsonb_build_array(limit_key, queue, priority, run_at::text)::text, false from walked
    where (select count(*) from hit) < $8::int and (select count(*) from walked) = $9::int
    order by limit_key desc, queue desc, priority desc, run_at desc, id desc limit 1);
