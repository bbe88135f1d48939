-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 double precision, $6 text
prepare enter_limit as
with entered as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else $4::int end,
      next_at = case when rate is null then next_at else case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end + ($4::int) * step_ms * interval '1 millisecond' end
    where name = $2 and shard = $1 and (held_until is null or held_until <= statement_timestamp()) and (concurrency is null or concurrency - allotted >= $4::int)
      and (rate is null or greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int >= $4::int)
    returning name, concurrency),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at)
    select name, $1, $3::uuid, case when exists (select from entered) then $4::int else 0 end, $4::int, $6,
      statement_timestamp() + $5::float8 * interval '1 millisecond'
    from simple_queue.fleet_limit where name = $2 and shard = $1 and concurrency >= $4::int
    on conflict (name, shard, lease) do update set n = excluded.n, expires_at = excluded.expires_at)
  select exists (select from entered) as entered, concurrency, strict, burst, coalesce(concurrency - allotted < $4::int, false) as "isFull",
    coalesce(greatest(0, (extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms + ($4::int - 1) * step_ms), 0) as "rateMs", coalesce(greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8, 0) as "heldMs"
  from simple_queue.fleet_limit where name = $2 and shard = $1;
