import { statement } from '../connection/statement.js';

/** Which live jobs hold these (queue, unique key) pairs; a statement of its own after the insert, so that rivals are visible. */
export const FIND_LIVE_KEYS = statement(
  'find_live_keys',
  `select u.position, j.id
  from unnest($2::int[], $3::int[], $4::text[]) u(position, queue, unique_key)
  cross join lateral (
    select id from simple_queue.job
    where unique_key = u.unique_key and shard = $1 and queue = u.queue limit 1) j`,
);

/** Which of these unique keys of queues, by name, a live job holds: where a redrive is only rehearsed. */
export const FIND_LIVE_KEYS_BY_NAME = statement(
  'find_live_keys_by_name',
  `select (u.position - 1)::int as position from unnest($2::text[], $3::text[]) with ordinality u(queue, unique_key, position)
  join simple_queue.queue q on q.name = u.queue
  cross join lateral (
    select id from simple_queue.job where unique_key = u.unique_key and shard = $1 and queue = q.id limit 1) j`,
);
