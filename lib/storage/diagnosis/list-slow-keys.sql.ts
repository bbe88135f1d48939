import { DAY_MS } from '../../job/values/duration.js';
import { statement } from '../connection/statement.js';

/** Of each lane. */
const MOST_JOBS = 10_000;

/**
 * Of each limit per key with a rate: in how many keys more waits than starts in a day, and how many jobs at most. At most 10,000 waiting jobs of a lane are
 * looked at, whatever keys they have. The condition on `lane` is that of the index.
 */
export const LIST_SLOW_KEYS = statement(
  'list_slow_keys',
  `select f.name, count(*)::int as keys, max(k.jobs)::int as jobs
  from simple_queue.fleet_limit f join simple_queue.queue q on f.name = q.name || '/*'
  cross join lateral (
    select limit_key, count(*) as jobs
    from simple_queue.lane l cross join lateral (
      select limit_key from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit ${MOST_JOBS}) w
    where l.queue = q.id group by limit_key) k
  where f.shard = $1 and f.rate is not null and q.paused_at is null and k.jobs * f.per_ms::float8 / f.rate > ${DAY_MS}
  group by f.name order by f.name limit 1000`,
);
