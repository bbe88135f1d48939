-- $1 smallint, $2 integer[], $3 text, $4 integer, $5 bigint, $6 integer, $7 integer
prepare list_blocked as
with walked as materialized (
    select group_name, queue, seq, id, lane from simple_queue.blocked
    where shard = $1 and (group_name, queue, seq) > ($3::text, $4::int, $5::bigint) order by group_name, queue, seq limit $7::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by group_name, queue, seq limit $6::int)
  (select id, jsonb_build_array(group_name, queue, seq::text)::text as at, true as hit from hit order by group_name, queue, seq) union all
  (select id, jsonb_build_array(group_name, queue, seq::text)::text, false from walked
    where (select count(*) from hit) < $6::int and (select count(*) from walked) = $7::int
    order by group_name desc, queue desc, seq desc limit 1);
