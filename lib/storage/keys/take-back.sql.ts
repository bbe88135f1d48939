import { statement } from '../connection/statement.js';
import { unplaced } from '../places/places.sql.js';
import { vacated } from '../places/turns.sql.js';

/**
 * Takes back jobs that this very transaction inserted and whose key turned out to have let in another for now. The stretch of the
 * keys is given for the sake of callers' planners, as in `cancel`.
 */
export const TAKE_BACK = statement(
  'take_back',
  `with gone as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) 
    returning id, lane, priority, run_at, group_name, queue, seq, fair, limit_key),
  ${unplaced('gone', ['ready', 'fair_ready', 'scheduled'])},
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(select id from gone))),
  ${unplaced('gone', ['blocked', 'keyed'])},
  ${vacated('gone where seq is not null and id not in (select id from unblocked)')}
  select id from gone`,
);
