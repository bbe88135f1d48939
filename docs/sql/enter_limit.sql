-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 double precision, $6 text, $7 double precision
prepare enter_limit as
with line as materialized (select (select coalesce(sum(case when holder is not null and lanes = '{}' then wanted else 1 end), 0)::int from simple_queue.allotment
    where name = $2 and shard = $1 and n = 0 and expires_at > statement_timestamp() and lease <> $3::uuid and turn_at < coalesce((select turn_at from simple_queue.allotment where name = $2 and shard = $1 and lease = $3::uuid), statement_timestamp())) as n),
  entered as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else $4::int end,
      next_at = case when rate is null then next_at else case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end + ($4::int) * step_ms * interval '1 millisecond' end
    where name = $2 and shard = $1 and not of_queue and (held_until is null or held_until <= statement_timestamp()) and (concurrency is null or concurrency - allotted - (select n from line) >= $4::int)
      and (rate is null or burst >= $4::int and greatest(0, floor(($7::float8 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line) >= $4::int)
    returning name, concurrency, next_at::text as full_at, coalesce(greatest(0, extract(epoch from next_at - statement_timestamp()) * 1000 - burst * step_ms), 0)::float8 as start_ms),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at)
    select name, $1, $3::uuid, case when exists (select from entered) then $4::int else 0 end, $4::int, $6,
      statement_timestamp() + $5::float8 * interval '1 millisecond'
    from simple_queue.fleet_limit
    where name = $2 and shard = $1 and not of_queue and (concurrency >= $4::int or concurrency is null and not exists (select from entered))
    on conflict (name, shard, lease) do update set n = excluded.n, expires_at = excluded.expires_at),
  served as (
    delete from simple_queue.allotment
    where name = $2 and shard = $1 and lease = $3::uuid and exists (select from entered where concurrency is null))
  select e.name is not null as entered, l.concurrency, rate, per_ms as "perMs", strict, burst, coalesce(l.concurrency - allotted - (select n from line) < $4::int, false) as "isFull",
    coalesce(greatest(0, (extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms + ($4::int + (select n from line) - 1) * step_ms - $7::float8), 0) as "rateMs", coalesce(greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8, 0) as "heldMs",
    e.full_at as "fullAt", coalesce(e.start_ms, 0) as "startMs"
  from simple_queue.fleet_limit l left join entered e on true where l.name = $2 and l.shard = $1 and not l.of_queue;
