import { statement } from '../connection/statement.js';
import { HELD_MS } from './buckets.sql.js';

/** Limits by name, or all of them ($2 null); at most $3; null: however many. */
export const LIST_LIMITS = statement(
  'list_limits',
  `select name, of_queue as "ofQueue", concurrency, rate, per_ms as "perMs", burst, strict, rule, set_at as "setAt", version,
    coalesce(${HELD_MS}, 0) as "heldMs"
  from simple_queue.fleet_limit where shard = $1 and ($2::text[] is null or name = any($2)) order by name limit $3::int`,
);
