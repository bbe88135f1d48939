-- $1 smallint, $2 text, $3 uuid
prepare return_permit as
with locked as materialized (
    select name from simple_queue.fleet_limit where name = $2 and shard = $1 for update),
  hit as materialized (
    select n from simple_queue.allotment
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n > 0 for update),
  gone as (
    delete from simple_queue.allotment where name = $2 and shard = $1 and lease = $3::uuid and (select n from hit) = 1),
  lowered as (
    update simple_queue.allotment set n = n - 1 where name = $2 and shard = $1 and lease = $3::uuid and (select n from hit) > 1)
  update simple_queue.fleet_limit set allotted = allotted - 1
  where name = $2 and shard = $1 and exists (select from hit)
  returning 1;
