import { statement } from '../connection/statement.js';
import { DRAWN_AHEAD_MS } from '../../job/limit.js';
import { after, FIRST_MS, fitting, HELD_MS, IS_OPEN } from './buckets.sql.js';
import { IN_FRONT, IN_LINE_MS, lineBefore, rowOf } from './in-line.sql.js';

/** Jobs of one claim start together, when the last of them may: of a strict rate as many as are late by a third of what it bears, or one for each round trip would be all. */
const TOGETHER_MS = `case when strict then (step_ms * rate - per_ms) / 3 else 0 end`;
/** As many starts as may begin now, or the first of the next moments. */
const STARTS = `greatest(${fitting(TOGETHER_MS)} - ${IN_FRONT}, least(1, ${fitting(DRAWN_AHEAD_MS)} - ${IN_FRONT}))`;

/** Permits and starts are granted together, or none of them: whoever had the one and waited for the other would keep it from all others. */
const GRANT = `least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted - ${IN_FRONT}) end, case when rate is null then $4::int else ${STARTS} end)`;

/** Milliseconds until the last start of those that were just taken. */
const START_MS = `coalesce(greatest(0, extract(epoch from next_at - statement_timestamp()) * 1000 - burst * step_ms), 0)::float8`;
const SELF = rowOf('$6');

/**
 * Lends a pulled claim ($3: its lease) at most $4 permits and starts, as many as are free; `lent` is 0: none is, and the worker ($6) waits in line. What is lent
 * stands in a share that ends in $5 ms where no lease comes of it: nothing is locked meanwhile, and nobody has to come back. No row: there is no such limit.
 */
export const LEND = statement(
  'lend',
  `with ${lineBefore(SELF)},
  lending as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else ${GRANT} end,
      next_at = case when rate is null then next_at else ${after(GRANT)} end, granted = ${GRANT}
    where name = $2 and shard = $1 and ${IS_OPEN} and ${GRANT} > 0
    returning name, concurrency, granted, next_at, ${START_MS} as start_ms, greatest(0, ${START_MS} - (granted - 1) * step_ms) as first_ms),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at, lanes)
    select name, $1, $3::uuid, granted, granted, $6, statement_timestamp() + $5::float8 * interval '1 millisecond', $7::int[]
    from lending where concurrency is not null),
  served as (
    delete from simple_queue.allotment where name = $2 and shard = $1 and lease = ${SELF} and exists (select from lending)),
  waits as (
    insert into simple_queue.allotment as a (name, shard, lease, n, wanted, holder, expires_at, lanes)
    select name, $1, ${SELF}, 0, $4::int, $6, statement_timestamp() + ${IN_LINE_MS} * interval '1 millisecond', $7::int[]
    from simple_queue.fleet_limit where name = $2 and shard = $1 and not exists (select from lending)
    on conflict (name, shard, lease) do update set wanted = excluded.wanted, lanes = excluded.lanes, expires_at = excluded.expires_at,
      turn_at = case when a.expires_at > statement_timestamp() then a.turn_at else statement_timestamp() end
    returning turn_at = statement_timestamp() as is_new)
  select coalesce(g.granted, 0) as lent, g.next_at::text as "fullAt", coalesce(g.start_ms, 0) as "startMs", coalesce(g.first_ms, 0) as "firstMs",
    coalesce((select is_new from waits), false) as "isNew", coalesce(g.concurrency is not null, false) as "holdsPermits"
  from simple_queue.fleet_limit l left join lending g on true where l.name = $2 and l.shard = $1`,
);

/**
 * The claim has used $4 of the $5 that it was lent: the rest goes back, starts only where nobody has drawn behind them ($6). Not `kept`: its share was over, and is
 * somebody else's.
 */
export const KEEP_LENT = statement(
  'keep_lent',
  `with locked as materialized (
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
  select exists (select from kept) as kept`,
);

/**
 * A call outside of jobs enters with its whole weight ($4), for $5 ms unless it renews, and starts in `startMs`, at most $7; otherwise it learns what is in its way, and what it
 * wants is in line, for those who have shares to see. Those of queues are for jobs alone.
 */
export const ENTER_LIMIT = statement(
  'enter_limit',
  `with ${lineBefore('$3::uuid')},
  entered as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else $4::int end,
      next_at = case when rate is null then next_at else ${after('$4::int')} end
    where name = $2 and shard = $1 and not of_queue and ${IS_OPEN} and (concurrency is null or concurrency - allotted - ${IN_FRONT} >= $4::int)
      and (rate is null or burst >= $4::int and ${fitting('$7::float8')} - ${IN_FRONT} >= $4::int)
    returning name, concurrency, next_at::text as full_at, ${START_MS} as start_ms),
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
  select e.name is not null as entered, l.concurrency, rate, per_ms as "perMs", strict, burst, coalesce(l.concurrency - allotted - ${IN_FRONT} < $4::int, false) as "isFull",
    coalesce(greatest(0, ${FIRST_MS} + ($4::int + ${IN_FRONT} - 1) * step_ms - $7::float8), 0) as "rateMs", coalesce(${HELD_MS}, 0) as "heldMs",
    e.full_at as "fullAt", coalesce(e.start_ms, 0) as "startMs"
  from simple_queue.fleet_limit l left join entered e on true where l.name = $2 and l.shard = $1 and not l.of_queue`,
);

/** Calls that are still under way keep their shares for $3 ms more. */
export const KEEP_ENTERED = statement(
  'keep_entered',
  `update simple_queue.allotment set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond'
  where shard = $1 and lease = any($2::uuid[]) and expires_at is not null`,
);
