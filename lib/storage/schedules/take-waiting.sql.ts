import { statement } from '../connection/statement.js';
import { KNOWS_JOBS, LIVE_JOBS } from './schedule-columns.sql.js';

/** Lets the waiting tick $3 have its job ($4), where the schedule is as it was read ($5: its hash) and no earlier one is live any more. The caller stores the job in the same transaction. */
export const TAKE_WAITING_TICK = statement(
  'take_waiting_tick',
  `with target as materialized (
    select s.name from simple_queue.schedule s
    where s.name = $2 and s.shard = $1 and s.waiting > 0 and s.paused_at is null and s.hash = $5 and ${KNOWS_JOBS} and not exists (${LIVE_JOBS})
    limit 1 for update of s skip locked),
  ticked as (
    update simple_queue.tick set outcome = 'enqueued', job = $4::uuid, made_at = statement_timestamp()
    where schedule = (select name from target) and shard = $1 and at = $3::timestamptz and outcome = 'waiting' returning at),
  moved as (
    update simple_queue.schedule set waiting = waiting - 1, jobs = array[$4::uuid]
    where name = $2 and shard = $1 and exists (select from ticked))
  select at from ticked`,
);

/** Somebody has deleted the ticks of the schedule that waited ($3 in number, $4: its hash): none do. Who adds one meanwhile changes their number. */
export const NONE_WAITS = statement(
  'none_waits',
  `update simple_queue.schedule s set waiting = 0
  where name = $2 and shard = $1 and waiting = $3::int and hash = $4
    and not exists (select from simple_queue.tick t where t.schedule = s.name and t.shard = $1 and t.outcome = 'waiting')
  returning name`,
);
