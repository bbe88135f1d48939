import { statement } from '../connection/statement.js';
import { MAY_RUN, inLane } from '../places/places.sql.js';

/** The lanes of some queues ($2), $4 at most: how many live workers serve each, and its ready jobs, counted up to $3. */
export const LIST_SERVED_LANES = statement(
  'list_served_lanes',
  `with own as materialized (
    select l.id, l.name, l.labels, q.name as queue from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
    where q.name = any($2::text[]) order by q.name, l.name, l.labels limit $4::int),
  served as materialized (
    select u.lane, count(*)::int as workers from simple_queue.lease w cross join lateral unnest(w.lanes) u(lane)
    where w.shard = $1 and w.expires_at > statement_timestamp() and (u.lane in (select id from own)) is true group by u.lane)
  select l.queue, l.name, l.labels, r.n as ready, coalesce(s.workers, 0) as workers
  from own l left join served s on s.lane = l.id
  cross join lateral (
    select count(*)::int as n from (
      ${inLane(MAY_RUN, 'l.id', { limit: '$3::int + 1' })}) w) r
  order by l.queue, l.name, l.labels`,
);
