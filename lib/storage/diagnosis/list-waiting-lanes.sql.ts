import { statement } from '../connection/statement.js';
import { WAITING, inLane } from '../places/places.sql.js';

/**
 * Every lane of a queue that is not paused and has jobs that wait for anything, counted up to $2, and how many live workers serve it.
 * The condition on `lane` is that of the index.
 */
export const LIST_WAITING_LANES = statement(
  'list_waiting_lanes',
  `select l.id as lane, q.name as queue, l.name, l.labels, r.n as jobs, (
    select count(*) from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))::int as workers
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  cross join lateral (
    select count(*)::int as n from (
      ${inLane(WAITING, 'l.id', { limit: '$2::int + 1' })}) w) r
  where q.paused_at is null and r.n > 0 order by q.name, l.name, l.labels limit 10000`,
);
