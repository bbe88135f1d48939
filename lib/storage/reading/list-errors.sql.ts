import { statement } from '../connection/statement.js';
import { firstsWaiting, ofLane } from '../places/places.sql.js';

const newest = (
  key: string,
): string => `select id, lane, finished_at from simple_queue.dead_letter where error_key = ${key} and shard = $1
      order by id desc limit $4::int + 1`;

const ASKED = `($2::int[] is null or w.lane = any($2::int[])) and ($3::timestamptz is null or w.finished_at > $3::timestamptz)`;

/** So many keys are looked at. */
const KEYS = 5_000;

/**
 * Dead letters by error key, from key to key along the index: of the first ${KEYS} the $5 at most whose newest ended last, of some lanes ($2, null:
 * all) and times ($3), and of each its newest, counted up to $4. The newest of each is the example.
 */
export const LIST_ERRORS = statement(
  'list_errors',
  `with recursive step as (
    (select error_key from simple_queue.dead_letter where error_key is not null and shard = $1 order by error_key limit 1)
    union all
    select n.error_key from step s cross join lateral (
      select error_key from simple_queue.dead_letter where error_key > s.error_key and shard = $1 order by error_key limit 1) n),
  key as materialized (
    select s.error_key from (select error_key from step limit ${KEYS}) s cross join lateral (
      select finished_at from (${newest('s.error_key')}) w where ${ASKED} limit 1) n
    order by n.finished_at desc limit $5::int)
  select k.error_key as key, c.jobs, c."firstAt", c."lastAt", e.id, e.state, coalesce(q.name, 'unknown') as queue, coalesce(l.name, '') as name, e.last_error - '{stack,causes}'::text[] as error
  from key k cross join lateral (
    select count(*)::int as jobs, min(w.finished_at) as "firstAt", max(w.finished_at) as "lastAt", max(w.id::text)::uuid as newest
    from (${newest('k.error_key')}) w where ${ASKED}) c
  cross join lateral (
    select id, state, lane, last_error from simple_queue.dead_letter where id = c.newest and shard = $1 limit 1) e
  left join simple_queue.lane l on l.id = e.lane left join simple_queue.queue q on q.id = l.queue`,
);

/** So many jobs are looked at that wait for their time, and as many that may run. */
const LOOKED = 1000;

/** Of each kind the first and the last: what has failed is behind what nobody has tried yet, and before what comes now. */
const ends = (kind: string): string =>
  ['', ' desc']
    .map(
      (
        way,
      ) => `(select id from simple_queue.ready where ${kind} and shard = $1 order by run_at${way}, id${way}
        limit (select greatest(5, ${LOOKED / 2} / count(*)) from kind))`,
    )
    .join(' union ');

/**
 * What failed and is tried again, in some lanes ($2, null: all), $3 at most: of the ${LOOKED} that run soonest, and of as many that may run, of
 * 200 lanes and priorities; of fair queues, and of those that wait for a permit of their key, of 250 each.
 */
export const LIST_FAILING = statement(
  'list_failing',
  `with recursive ${firstsWaiting(1_000)},
  kind as materialized (
    select lane, priority from first_ready where $2::int[] is null or lane = any($2::int[]) limit 200),
  looked as materialized (
    (select id, 'scheduled' as state from simple_queue.scheduled where $2::int[] is null and shard = $1 order by run_at, id limit ${LOOKED}) union all
    select s.id, 'scheduled' from unnest($2::int[]) u(lane) cross join lateral (
      select id from ${ofLane('scheduled', 'u.lane')} limit greatest(1, ${LOOKED} / cardinality($2::int[]))) s union all
    select r.id, 'ready' from kind k cross join lateral (${ends('lane = k.lane and priority = k.priority')}) r union all
    select f.id, 'ready' from (select distinct lane, group_name from first_fair_ready where $2::int[] is null or lane = any($2::int[]) limit 50) k
      cross join lateral (select id from ${ofLane('fair_ready', 'k.lane')} and group_name = k.group_name limit 5) f union all
    (select id, 'blocked' from simple_queue.keyed where shard = $1 limit 250))
  select l.id, l.state, coalesce(q.name, 'unknown') as queue, coalesce(n.name, '') as name, j.last_error - 'causes' as error
  from looked l
  cross join lateral (select lane, queue, last_error from simple_queue.job where id = l.id and shard = $1 offset 0) j
  left join simple_queue.lane n on n.id = j.lane left join simple_queue.queue q on q.id = coalesce(n.queue, j.queue)
  where j.last_error is not null and ($2::int[] is null or j.lane = any($2::int[])) limit $3::int`,
);
