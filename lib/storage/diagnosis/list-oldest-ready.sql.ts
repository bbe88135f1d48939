import { statement } from '../connection/statement.js';
import { firstsWaiting } from '../places/places.sql.js';

/**
 * How long the oldest ready job of each queue waits that is not paused: of the first 20,000 lanes and priorities in which any does, one step each.
 * Lanes in which none waits cost nothing. Of these the 5,000 oldest are put to their queues.
 */
export const LIST_OLDEST_READY = statement(
  'list_oldest_ready',
  `with recursive ${firstsWaiting(20_000)},
  paused as materialized (
    select l.id from simple_queue.queue q join simple_queue.lane l on l.queue = q.id where q.paused_at is not null),
  oldest as materialized (
    select lane, run_at from first where (lane in (select id from paused)) is not true order by run_at limit 5000)
  select q.name as queue, greatest(0, extract(epoch from statement_timestamp() - min(o.run_at)) * 1000)::float8 as "oldestMs"
  from oldest o join simple_queue.lane l on l.id = o.lane join simple_queue.queue q on q.id = l.queue
  group by q.name order by 2 desc limit 1000`,
);
