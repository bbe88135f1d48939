import { statement } from '../connection/statement.js';
import { waitingSince } from '../places/places.sql.js';

/**
 * How long the oldest ready job of each queue waits that is not paused. The oldest of a lane is the first of one of its priorities, so only
 * those are read, of 100 priorities at most; of suspects and of a fair queue the first 1,000 rows, since their time is not what they are kept by.
 */
export const LIST_OLDEST_READY = statement(
  'list_oldest_ready',
  `select q.name as queue, greatest(0, extract(epoch from statement_timestamp() - min(f.run_at)) * 1000)::float8 as "oldestMs"
  from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
  cross join lateral (
    ${waitingSince(100)}) f
  where q.paused_at is null group by q.name order by 2 desc limit 1000`,
);
