import { DRAWN_AHEAD_MS } from '../../job/limit.js';
import { statement } from '../connection/statement.js';
import { after, FIRST_MS, fitting, HELD_MS, IS_OPEN } from './buckets.sql.js';
import { IN_FRONT, lineBefore, rowOf } from './in-line.sql.js';
import { waitingIn } from './look-at-limit.sql.js';

const WANTED = `least($3::int, (select n from due) + $5::int, ${fitting(DRAWN_AHEAD_MS)} - ${IN_FRONT})`;
const SELF = rowOf('$7');

/**
 * Draws starts of a rate for the next half second: as many as are wanted ($3), as jobs wait in these lanes ($4) and in the process ($5), and as conform. `firstMs` is
 * when the first of them may start, from now, and `stepMs` what lies between them; one that would have conformed earlier may start at once.
 * What others wait for since before its last draw ($6 ms ago) is left to them; where that is long ago and nothing is left, it ($7: its lease) waits in line, too.
 */
export const DRAW_STARTS = statement(
  'draw_starts',
  `with due as materialized (select ${waitingIn('$4', '$3::int')} as n),
  ${lineBefore(SELF, `statement_timestamp() - $6::float8 * interval '1 millisecond'`)},
  drawn as (
    update simple_queue.fleet_limit set next_at = ${after(WANTED)}, granted = ${WANTED}
    where name = $2 and shard = $1 and rate is not null and ${IS_OPEN} and ${WANTED} > 0
    returning granted as got, next_at as full_at),
  waits as (
    insert into simple_queue.allotment (name, shard, lease, n, wanted, turn_at, expires_at)
    select name, $1, ${SELF}, 0, 0, statement_timestamp() - $6::float8 * interval '1 millisecond',
      statement_timestamp() + least(60000, ${2 * DRAWN_AHEAD_MS} + 2 * step_ms) * interval '1 millisecond'
    from simple_queue.fleet_limit
    where name = $2 and shard = $1 and ${IS_OPEN} and step_ms + ${DRAWN_AHEAD_MS} < $6 and $3::int > 0 and (select n from due) + $5::int > 0
      and not exists (select from drawn)
    on conflict (name, shard, lease) do update set expires_at = excluded.expires_at),
  served as (
    delete from simple_queue.allotment
    where name = $2 and shard = $1 and lease = ${SELF} and (exists (select from drawn) or (select n from due) + $5::int = 0))
  select coalesce(d.got, 0) as drawn, (select n from due) as waiting, l.step_ms as "stepMs", d.full_at::text as "fullAt",
    case when d.got is null then ${FIRST_MS} + ${IN_FRONT} * step_ms
      else (extract(epoch from d.full_at - statement_timestamp()) * 1000)::float8 - (d.got + burst - 1) * step_ms end as "firstMs",
    coalesce(${HELD_MS}, 0) as "heldMs"
  from simple_queue.fleet_limit l left join drawn d on true where l.name = $2 and l.shard = $1 and l.rate is not null`,
);

/** Gives back the last $3 that were drawn, where nobody has drawn behind them ($4). */
export const RETURN_STARTS = statement(
  'return_starts',
  `update simple_queue.fleet_limit set next_at = next_at - $3::int * step_ms * interval '1 millisecond'
  where name = $2 and shard = $1 and rate is not null and next_at = $4::timestamptz`,
);

/**
 * Somebody was told to come later ($4 ms): the whole limit rests until then. Of a queue without a limit it makes one that says nothing else. No row: what has
 * the name is of the other kind.
 */
export const HOLD_LIMIT = statement(
  'hold_limit',
  `insert into simple_queue.fleet_limit as l (name, shard, of_queue, rule, held_until)
  values ($2, $1, $3, '{}', statement_timestamp() + $4::float8 * interval '1 millisecond')
  on conflict (name, shard) do update set held_until = greatest(l.held_until, excluded.held_until), version = excluded.version
    where l.of_queue = excluded.of_queue
  returning 1`,
);

/** Rests that are over, of what has no limit. */
export const PURGE_RESTS = statement(
  'purge_rests',
  `delete from simple_queue.fleet_limit l where shard = $1 and rule = '{}' and set_at is null and held_until < statement_timestamp() - interval '1 minute'
    and not exists (select from simple_queue.allotment where name = l.name and shard = $1 offset 0)`,
);
