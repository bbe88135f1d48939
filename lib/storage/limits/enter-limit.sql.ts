import { statement } from '../connection/statement.js';
import { after, FIRST_MS, fitting, HELD_MS, IS_OPEN } from './buckets.sql.js';

/** Permits and starts are granted together, or none of them: whoever had the one and waited for the other would keep it from all others. */
const GRANT = `least($4::int, case when concurrency is null then $4::int else greatest(0, concurrency - allotted) end, case when rate is null then $4::int else ${fitting(0)} end)`;

/**
 * Lends a pulled claim ($3: its lease) at most $4 permits and starts, as many as are free; no row: none is. What is lent stands in a share that
 * ends in $5 ms where no lease comes of it: nothing is locked meanwhile, and nobody has to come back.
 */
export const LEND = statement(
  'lend',
  `with lending as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else ${GRANT} end,
      next_at = case when rate is null then next_at else ${after(GRANT)} end, granted = ${GRANT}
    where name = $2 and shard = $1 and ${IS_OPEN} and ${GRANT} > 0
    returning name, concurrency, granted, next_at),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at, lanes)
    select name, $1, $3::uuid, granted, granted, $6, statement_timestamp() + $5::float8 * interval '1 millisecond', $7::int[]
    from lending where concurrency is not null)
  select granted as lent, next_at::text as "fullAt" from lending`,
);

/** The claim has used $4 of the $5 that it was lent: the rest goes back, starts only where nobody has drawn behind them ($6). */
export const KEEP_LENT = statement(
  'keep_lent',
  `with locked as materialized (
    select name, concurrency from simple_queue.fleet_limit where name = $2 and shard = $1 for update),
  kept as (
    update simple_queue.allotment set n = $4::int, expires_at = null
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n = $5::int and $4::int > 0 returning 1),
  gone as (
    delete from simple_queue.allotment
    where name = (select name from locked) and shard = $1 and lease = $3::uuid and n = $5::int and $4::int = 0 returning 1)
  update simple_queue.fleet_limit
  set allotted = allotted - case when exists (select from kept) or exists (select from gone) then $5::int - $4::int else 0 end,
    next_at = case when rate is null or next_at <> $6::timestamptz then next_at
      else next_at - ($5::int - $4::int) * step_ms * interval '1 millisecond' end
  where name = $2 and shard = $1 and $4::int < $5::int`,
);

/**
 * A call outside of jobs enters with its whole weight ($4), for $5 ms unless it renews; otherwise it learns what stands in its way, and what it
 * wants stands there for those who have shares to see.
 */
export const ENTER_LIMIT = statement(
  'enter_limit',
  `with entered as (
    update simple_queue.fleet_limit
    set allotted = allotted + case when concurrency is null then 0 else $4::int end,
      next_at = case when rate is null then next_at else ${after('$4::int')} end
    where name = $2 and shard = $1 and ${IS_OPEN} and (concurrency is null or concurrency - allotted >= $4::int)
      and (rate is null or ${fitting(0)} >= $4::int)
    returning name, concurrency),
  kept as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at)
    select name, $1, $3::uuid, case when exists (select from entered) then $4::int else 0 end, $4::int, $6,
      statement_timestamp() + $5::float8 * interval '1 millisecond'
    from simple_queue.fleet_limit where name = $2 and shard = $1 and concurrency >= $4::int
    on conflict (name, shard, lease) do update set n = excluded.n, expires_at = excluded.expires_at)
  select exists (select from entered) as entered, concurrency, strict, burst, coalesce(concurrency - allotted < $4::int, false) as "isFull",
    coalesce(greatest(0, ${FIRST_MS} + ($4::int - 1) * step_ms), 0) as "rateMs", coalesce(${HELD_MS}, 0) as "heldMs"
  from simple_queue.fleet_limit where name = $2 and shard = $1`,
);

/** Calls that are still under way keep their shares for $3 ms more. */
export const KEEP_ENTERED = statement(
  'keep_entered',
  `update simple_queue.allotment set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond'
  where shard = $1 and lease = any($2::uuid[]) and expires_at is not null`,
);
