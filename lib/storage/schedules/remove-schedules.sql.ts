import { statement } from '../connection/statement.js';
import { IS_DECLARED } from './schedule-columns.sql.js';

/** Of the names $2 what belongs to $3, null: to anybody. What a worker has come to declare since they were read stays. */
export const REMOVE_SCHEDULES = statement(
  'remove_schedules',
  `delete from simple_queue.schedule s where s.shard = $1 and s.name = any($2::text[]) and ($3::text is null or s.owner = $3)
    and not (s.declared and ${IS_DECLARED}) returning s.name`,
);

/**
 * Their ticks stay as long as all of them are kept; those that wait are let go. In a snapshot of its own: one that was made while the schedule was waited for
 * would be there for ever.
 */
export const LET_TICKS_GO = statement(
  'let_ticks_go',
  `update simple_queue.tick t set outcome = 'skipped'
  where schedule = any($2::text[]) and shard = $1 and outcome = 'waiting'
    and not exists (select from simple_queue.schedule where name = t.schedule and shard = $1 offset 0)`,
);
