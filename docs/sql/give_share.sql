-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 integer
prepare give_share as
with locked as materialized (
    select name from simple_queue.fleet_limit where name = $2 and shard = $1 for update),
  lowered as (
    update simple_queue.allotment set n = n - $4::int, wanted = $5::int,
      turn_at = case when n = $4::int and n > 0 then statement_timestamp() else turn_at end
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n >= $4::int returning n)
  update simple_queue.fleet_limit set allotted = allotted - $4::int
  where name = $2 and shard = $1 and exists (select from lowered)
  returning (select n from lowered) as n;
