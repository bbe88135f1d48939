import { statement } from '../connection/statement.js';
import { IS_DECLARED } from './schedule-columns.sql.js';

/**
 * Their ticks stay as long as all of them are kept; those that wait are let go. Of the names $2 what belongs to $3, null: to anybody. What a worker has come to
 * declare since they were read stays.
 */
export const REMOVE_SCHEDULES = statement(
  'remove_schedules',
  `with gone as (
    delete from simple_queue.schedule s where s.shard = $1 and s.name = any($2::text[]) and ($3::text is null or s.owner = $3)
      and not (s.declared and ${IS_DECLARED}) returning s.name),
  let_go as (
    update simple_queue.tick set outcome = 'skipped'
    where schedule = any(array(select name from gone)) and shard = $1 and outcome = 'waiting')
  select name from gone`,
);
