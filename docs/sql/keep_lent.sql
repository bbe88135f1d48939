-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 integer, $6 timestamp with time zone
prepare keep_lent as
with locked as materialized (
    select name, concurrency from simple_queue.fleet_limit where name = $2 and shard = $1 for update),
  kept as (
    update simple_queue.allotment set n = $4::int, expires_at = null
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n = $5::int and $4::int > 0 returning 1),
  gone as (
    delete from simple_queue.allotment
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n = $5::int and $4::int = 0 returning 1),
  back as (
    update simple_queue.fleet_limit
    set allotted = allotted - case when exists (select from kept) or exists (select from gone) then $5::int - $4::int else 0 end,
      next_at = case when rate is null or next_at <> $6::timestamptz then next_at
        else next_at - ($5::int - $4::int) * step_ms * interval '1 millisecond' end
    where name = $2 and shard = $1 and $4::int < $5::int)
  select exists (select from kept) as kept;
