import { statement } from '../connection/statement.js';
import { MAY_RUN, inLane } from '../places/places.sql.js';

/** The lanes of every queue ($2 null) or of one: how many live workers serve each, and its ready jobs, counted up to $3. */
export const LIST_SERVED_LANES = statement(
  'list_served_lanes',
  `select q.name as queue, l.name, l.labels, r.n as ready,
    (select count(*) from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))::int as workers
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  cross join lateral (
    select count(*)::int as n from (
      ${inLane(MAY_RUN, 'l.id', { limit: '$3::int + 1' })}) w) r
  where $2::text is null or q.name = $2 order by q.name, l.name, l.labels`,
);
