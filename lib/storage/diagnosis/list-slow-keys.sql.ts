import { DAY_MS } from '../../job/values/duration.js';
import { statement } from '../connection/statement.js';

/** In how many keys of a limit too much waits for its rate, or for its concurrency; the fullest has so many jobs, of so many milliseconds. */
export interface SlowKeys {
  name: string;
  keys: number;
  jobs: number;
  fullKeys: number;
  ms: number | null;
}

/** Of each lane. */
const MOST_JOBS = 10_000;

/**
 * Of each limit per key: in how many keys more waits than starts in a day by its rate, and how many jobs at most; and in how many more than its concurrency gets
 * through, where runs of lanes take as long as $2 says by their numbers, and how long those of the fullest take together. At most 10,000 waiting jobs of a
 * lane are looked at, whatever keys they have. The condition on `lane` is that of the index.
 */
export const LIST_SLOW_KEYS = statement(
  'list_slow_keys',
  `select f.name, (count(*) filter (where k.jobs * f.per_ms::float8 / f.rate > ${DAY_MS}))::int as keys, max(k.jobs)::int as jobs,
    (count(*) filter (where k.ms / f.concurrency > ${DAY_MS}))::int as "fullKeys", max(k.ms) as ms
  from simple_queue.fleet_limit f join simple_queue.queue q on f.name = q.name || '/*'
  cross join lateral (
    select limit_key, count(*) as jobs, sum(each) as ms
    from (select id, ($2::jsonb ->> id::text)::float8 as each from simple_queue.lane where queue = q.id) l cross join lateral (
      select limit_key from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit ${MOST_JOBS}) w
    group by limit_key) k
  where f.shard = $1 and q.paused_at is null and (k.jobs * f.per_ms::float8 / f.rate > ${DAY_MS} or k.ms / f.concurrency > ${DAY_MS})
  group by f.name order by f.name limit 1000`,
);
