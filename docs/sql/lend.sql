-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 double precision, $6 text, $7 integer[]
prepare lend as
with line as materialized (select (select coalesce(sum(case when holder is not null and lanes = '{}' then wanted else 1 end), 0)::int from simple_queue.allotment
    where name = $2 and shard = $1 and n = 0 and expires_at > statement_timestamp() and lease <> md5($6)::uuid and turn_at < coalesce((select turn_at from simple_queue.allotment where name = $2 and shard = $1 and lease = md5($6)::uuid), statement_timestamp())) as n),
  lending as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted - (select n from line)) end, case when rate is null then $4::int else greatest(greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line), least(1, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line))) end) end,
      next_at = case when rate is null then next_at else case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end + (least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted - (select n from line)) end, case when rate is null then $4::int else greatest(greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line), least(1, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line))) end)) * step_ms * interval '1 millisecond' end, granted = least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted - (select n from line)) end, case when rate is null then $4::int else greatest(greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line), least(1, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line))) end)
    where name = $2 and shard = $1 and (held_until is null or held_until <= statement_timestamp()) and least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted - (select n from line)) end, case when rate is null then $4::int else greatest(greatest(0, floor((0 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line), least(1, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line))) end) > 0
    returning name, concurrency, granted, next_at, coalesce(greatest(0, extract(epoch from next_at - statement_timestamp()) * 1000 - burst * step_ms), 0)::float8 as start_ms),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at, lanes)
    select name, $1, $3::uuid, granted, granted, $6, statement_timestamp() + $5::float8 * interval '1 millisecond', $7::int[]
    from lending where concurrency is not null),
  served as (
    delete from simple_queue.allotment where name = $2 and shard = $1 and lease = md5($6)::uuid and exists (select from lending)),
  waits as (
    insert into simple_queue.allotment as a (name, shard, lease, n, wanted, holder, expires_at, lanes)
    select name, $1, md5($6)::uuid, 0, $4::int, $6, statement_timestamp() + 5000 * interval '1 millisecond', $7::int[]
    from simple_queue.fleet_limit where name = $2 and shard = $1 and not exists (select from lending)
    on conflict (name, shard, lease) do update set wanted = excluded.wanted, lanes = excluded.lanes, expires_at = excluded.expires_at,
      turn_at = case when a.expires_at > statement_timestamp() then a.turn_at else statement_timestamp() end
    returning turn_at = statement_timestamp() as is_new)
  select coalesce(g.granted, 0) as lent, g.next_at::text as "fullAt", coalesce(g.start_ms, 0) as "startMs",
    coalesce((select is_new from waits), false) as "isNew", coalesce(g.concurrency is not null, false) as "holdsPermits"
  from simple_queue.fleet_limit l left join lending g on true where l.name = $2 and l.shard = $1;
