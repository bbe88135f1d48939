import { statement } from '../connection/statement.js';

/** Their ticks stay as long as all of them are kept; those that wait are let go. Of the names $2 what belongs to $3, null: to anybody. */
export const REMOVE_SCHEDULES = statement(
  'remove_schedules',
  `with gone as (
    delete from simple_queue.schedule where shard = $1 and name = any($2::text[]) and ($3::text is null or owner = $3) returning name),
  let_go as (
    update simple_queue.tick set outcome = 'skipped'
    where schedule = any(array(select name from gone)) and shard = $1 and outcome = 'waiting')
  select name from gone`,
);
