-- $1 smallint, $2 integer[], $3 uuid, $4 integer, $5 integer
prepare list_staged as
with walked as materialized (
    select id, lane from simple_queue.staged where shard = $1 and id > $3::uuid order by id limit $5::int),
  hit as materialized (
    select id from walked where $2::int[] is null or lane = any($2::int[]) order by id limit $4::int)
  (select id, null as at, true as hit from hit order by id) union all
  (select id, null, false from walked where (select count(*) from hit) < $4::int and (select count(*) from walked) = $5::int
    order by id desc limit 1);
