-- $1 smallint, $2 text, $3 uuid, $4 integer, $5 integer, $6 integer[], $7 text
prepare take_share as
with granting as (
    update simple_queue.fleet_limit
    set allotted = allotted + least($4::int, greatest(0, coalesce(concurrency, 0) - allotted)),
      granted = least($4::int, greatest(0, coalesce(concurrency, 0) - allotted))
    where name = $2 and shard = $1 and exists (select from simple_queue.lease where id = $3::uuid and shard = $1)
    returning granted)
  insert into simple_queue.allotment as a (name, shard, lease, n, wanted, lanes, declares)
  select $2, $1, $3::uuid, granted, $5::int, $6::int[], $7::text from granting
  on conflict (name, shard, lease) do update
    set n = a.n + excluded.n, wanted = excluded.wanted, lanes = excluded.lanes, declares = excluded.declares,
      turn_at = case when excluded.n > 0 then statement_timestamp() else a.turn_at end
  returning n, turn_at = statement_timestamp() as granted;
