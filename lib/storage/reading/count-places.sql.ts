import { statement } from '../connection/statement.js';
import { heldAtOnce } from '../places/held.sql.js';
import { MAY_RUN, firstsWaiting } from '../places/places.sql.js';

/** How many rows, no more than $2 and one. */
const counted = (rows: string): string =>
  `(select count(*)::int from (${rows} limit $2::int + 1) w)`;
const inPlace = (place: string): string =>
  counted(`select 1 from simple_queue.${place} where shard = $1`);

/**
 * Everything by place, each counted up to $2, whatever there is. The oldest job that may run is looked for in the first 2,000 lanes and
 * priorities of each place: one step each, along the index.
 */
export const COUNT_PLACES = statement(
  'count_places',
  `with recursive ${firstsWaiting(2_000)},
  oldest as (select lane, run_at as at from first order by run_at limit 1),
  ${heldAtOnce('1', '$2::int + 1')}
  select ${counted('select 1 from simple_queue.queue')} as queues,
    array(select name from simple_queue.queue where paused_at is not null order by name limit 100) as paused,
    ${MAY_RUN.map(inPlace).join(' + ')} as ready,
    ${inPlace('scheduled')} as scheduled, ${inPlace('blocked')} + ${inPlace('keyed')} as blocked, ${inPlace('staged')} as staged, ${inPlace('suspect')} as suspects,
    ${inPlace('dead_letter')} as dead,
    (select count(*)::int from held) as running,
    (select coalesce(q.name, 'unknown') from oldest o left join simple_queue.lane l on l.id = o.lane left join simple_queue.queue q on q.id = l.queue) as "oldestQueue",
    (select greatest(0, extract(epoch from statement_timestamp() - at) * 1000) from oldest)::float8 as "oldestReadyMs"`,
);
