-- $1 smallint, $2 text, $3 integer, $4 integer[], $5 integer, $6 double precision, $7 text
prepare draw_starts as
with due as materialized (select (select count(*) from (
    select from unnest($4::int[]) q(lane) cross join lateral (
      (select 1 from simple_queue.ready where lane = q.lane and shard = $1 limit $3::int) union all
      (select 1 from simple_queue.fair_ready where lane = q.lane and shard = $1 limit $3::int) union all
      (select 1 from simple_queue.suspect where lane = q.lane and shard = $1 limit $3::int)) s limit $3::int) w)::int as n),
  line as materialized (select (select coalesce(sum(case when holder is not null and lanes = '{}' then wanted else 1 end), 0)::int from simple_queue.allotment
    where name = $2 and shard = $1 and n = 0 and expires_at > statement_timestamp() and lease <> md5($7)::uuid and turn_at < statement_timestamp() - $6::float8 * interval '1 millisecond') as n),
  drawn as (
    update simple_queue.fleet_limit set next_at = case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end + (least($3::int, (select n from due) + $5::int, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line))) * step_ms * interval '1 millisecond', granted = least($3::int, (select n from due) + $5::int, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line))
    where name = $2 and shard = $1 and rate is not null and (held_until is null or held_until <= statement_timestamp()) and least($3::int, (select n from due) + $5::int, greatest(0, floor((500 - ((extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms)) / step_ms + 1.000001))::int - (select n from line)) > 0
    returning granted as got, next_at as full_at),
  waits as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, turn_at, expires_at)
    select name, $1, md5($7)::uuid, 0, 0, statement_timestamp() - $6::float8 * interval '1 millisecond',
      statement_timestamp() + least(60000, 1000 + 2 * step_ms) * interval '1 millisecond'
    from simple_queue.fleet_limit
    where name = $2 and shard = $1 and (held_until is null or held_until <= statement_timestamp()) and step_ms + 500 < $6 and $3::int > 0 and (select n from due) + $5::int > 0
      and not exists (select from drawn)
    on conflict (name, shard, lease) do update set expires_at = excluded.expires_at),
  served as (
    delete from simple_queue.allotment
    where name = $2 and shard = $1 and lease = md5($7)::uuid and (exists (select from drawn) or (select n from due) + $5::int = 0))
  select coalesce(d.got, 0) as drawn, (select n from due) as waiting, l.step_ms as "stepMs", d.full_at::text as "fullAt",
    case when d.got is null then (extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms + (select n from line) * step_ms
      else (extract(epoch from d.full_at - statement_timestamp()) * 1000)::float8 - (d.got + burst - 1) * step_ms end as "firstMs",
    coalesce(greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8, 0) as "heldMs"
  from simple_queue.fleet_limit l left join drawn d on true where l.name = $2 and l.shard = $1 and l.rate is not null;
