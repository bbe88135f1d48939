import { statement } from '../statement.js';

/** Which live jobs hold these (queue, unique key) pairs; a statement of its own after the insert, so that rivals are visible. */
export const FIND_LIVE_KEYS = statement(
  'find_live_keys',
  `select u.position, j.id
  from unnest($2::int[], $3::int[], $4::text[]) u(position, queue, unique_key)
  cross join lateral (
    select id from simple_queue.job
    where unique_key = u.unique_key and shard = $1 and queue = u.queue limit 1) j`,
);
