-- $1 smallint, $2 text, $3 uuid
prepare end_share as
with locked as materialized (
    select name from simple_queue.fleet_limit where name = $2 and shard = $1 for update),
  gone as (
    delete from simple_queue.allotment
    where name = (select name from locked) and shard = $1 and lease = $3::uuid returning n)
  update simple_queue.fleet_limit set allotted = allotted - (select n from gone)
  where name = $2 and shard = $1 and exists (select from gone)
  returning (select n from gone) as n;
