import { statement } from '../connection/statement.js';

/**
 * Pauses ($2 true) or resumes a queue; no row back: there is no such queue. Of two that pause, the first one's time stays.
 * It is on the queue, not on its lanes: lanes that appear later are paused with it, and it is one row.
 */
export const PAUSE_QUEUE = statement(
  'pause_queue',
  `update simple_queue.queue set paused_at = case when $2::boolean then coalesce(paused_at, statement_timestamp()) end
  where name = $1 returning id`,
);
