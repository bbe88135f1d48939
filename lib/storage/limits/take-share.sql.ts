import { statement } from '../connection/statement.js';

/**
 * A process ($3) asks for $4 more of a limit's permits, and gets what is free. The row of the limit decides, in its newest version, whoever
 * changes it at the same time; where nothing is free what it wants ($5) is in its share for others to see. One statement: a process that
 * freezes between two of them would hold that row against all others.
 */
export const TAKE_SHARE = statement(
  'take_share',
  `with granting as (
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
  returning n, turn_at = statement_timestamp() as granted`,
);

/** The row of the limit first, as everywhere: two that change a limit wait for each other once, and never in a circle. */
const LOCKED = `locked as materialized (
    select name from simple_queue.fleet_limit where name = $2 and shard = $1 for update)`;

/** It gives back $4 permits that it has and does not use; $5 is what it wants now. With its last one it goes to the end of the line. */
export const GIVE_SHARE = statement(
  'give_share',
  `with ${LOCKED},
  lowered as (
    update simple_queue.allotment set n = n - $4::int, wanted = $5::int,
      turn_at = case when n = $4::int and n > 0 then statement_timestamp() else turn_at end
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n >= $4::int returning n)
  update simple_queue.fleet_limit set allotted = allotted - $4::int
  where name = $2 and shard = $1 and exists (select from lowered)
  returning (select n from lowered) as n`,
);

/** A share ends, with all that it has: a process that stops, a call that is over. */
export const END_SHARE = statement(
  'end_share',
  `with ${LOCKED},
  gone as (
    delete from simple_queue.allotment
    where name = (select name from locked) and shard = $1 and lease = $3::uuid returning n)
  update simple_queue.fleet_limit set allotted = allotted - (select n from gone)
  where name = $2 and shard = $1 and exists (select from gone)
  returning (select n from gone) as n`,
);

/**
 * A job of a pulled lease ($3) is settled: its permit is free, and its share ends with the last one. Which it is decides the row as it is once it is locked: two
 * that settle at the same moment have the same snapshot.
 */
export const RETURN_PERMIT = statement(
  'return_permit',
  `with ${LOCKED},
  hit as materialized (
    select n from simple_queue.allotment
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n > 0 for update),
  gone as (
    delete from simple_queue.allotment where name = $2 and shard = $1 and lease = $3::uuid and (select n from hit) = 1),
  lowered as (
    update simple_queue.allotment set n = n - 1 where name = $2 and shard = $1 and lease = $3::uuid and (select n from hit) > 1)
  update simple_queue.fleet_limit set allotted = allotted - 1
  where name = $2 and shard = $1 and exists (select from hit)
  returning 1`,
);
