-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 double precision, $6 text, $7 integer[]
prepare lend as
with lending as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted) end, case when rate is null then $4::int else greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int end) end,
      next_at = case when rate is null then next_at else case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end + (least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted) end, case when rate is null then $4::int else greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int end)) * step_ms * interval '1 millisecond' end, granted = least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted) end, case when rate is null then $4::int else greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int end)
    where name = $2 and shard = $1 and (held_until is null or held_until <= statement_timestamp()) and least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted) end, case when rate is null then $4::int else greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int end) > 0
    returning name, concurrency, granted, next_at),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at, lanes)
    select name, $1, $3::uuid, granted, granted, $6, statement_timestamp() + $5::float8 * interval '1 millisecond', $7::int[]
    from lending where concurrency is not null)
  select granted as lent, next_at::text as "fullAt" from lending;
