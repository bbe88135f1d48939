import { statement } from '../connection/statement.js';
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { arrived } from '../places/arrived.sql.js';
import { LOCKED_RUN } from '../places/held.sql.js';
import { permitsFreed } from '../places/keys.sql.js';
import { vacated } from '../places/turns.sql.js';

/**
 * Ends a run whose row PostgreSQL refuses to store as it would have to: a dead letter of what anybody can read, the payload with it, and
 * the rest left out. Fenced by epoch. Its turn in an ordered group is vacant, whatever the dead job policy says: the row is not trusted.
 */
export const SET_APART = statement(
  'set_apart',
  `with gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      ${LOCKED_RUN}))
    returning id, lane, queue, payload, payload_bytes, group_name, seq, options, limit_key),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at,
      finished_at, expires_at, worker, payload, payload_bytes, last_error)
    select id, $1, 'poisoned', lane, 0, 0, 0, 0, statement_timestamp(), statement_timestamp(), statement_timestamp(),
      statement_timestamp() + $4::float8 * interval '1 millisecond', $5, payload, payload_bytes, $6::jsonb from gone),
  ${vacated('gone where seq is not null and group_name is not null')},
  ${arrived('gone', { state: `'failed'`, error: '$6::jsonb' })},
  ${outcomesOf('gone', { state: `'poisoned'::text`, error: '$6::jsonb' })},
  ${permitsFreed('gone t')}
  select id from gone`,
);
