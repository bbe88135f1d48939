import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';
import { MAY_RUN, waitingSince } from '../places/places.sql.js';

/** How many rows, no more than $2 and one. */
const counted = (rows: string): string =>
  `(select count(*)::int from (${rows} limit $2::int + 1) w)`;
const inPlace = (place: string): string =>
  counted(`select 1 from simple_queue.${place} where shard = $1`);

/**
 * Everything by place, each counted up to $2, whatever there is. The oldest job that may run is looked for in the first 1,000 lanes in which
 * any does: one step a lane, along the indexes of their places.
 */
export const COUNT_PLACES = statement(
  'count_places',
  `with recursive step as (
    select -2147483648 as lane, 0 as n
    union all
    select next.lane, s.n + 1 from step s cross join lateral (
      select min(lane) as lane from (
        ${MAY_RUN.map((place) => `(select lane from simple_queue.${place} where lane > s.lane and shard = $1 order by lane limit 1)`).join(' union all\n        ')}) w) next
    where s.n < 1000 and next.lane is not null),
  oldest as (
    select l.id as lane, f.run_at as at from step l(id) cross join lateral (
      ${waitingSince(10)}) f
    where l.id > 0 order by 2 limit 1)
  select ${counted('select 1 from simple_queue.queue')} as queues,
    array(select name from simple_queue.queue where paused_at is not null order by name limit 100) as paused,
    ${MAY_RUN.map(inPlace).join(' + ')} as ready,
    ${inPlace('scheduled')} as scheduled, ${inPlace('blocked')} + ${inPlace('keyed')} as blocked, ${inPlace('staged')} as staged, ${inPlace('suspect')} as suspects,
    ${inPlace('dead_letter')} as dead,
    ${counted(`select 1 from ${IN_CLAIMS} ${fenced('1', 'offset 0')} where c.shard = $1`)} as running,
    (select q.name from oldest o join simple_queue.lane l on l.id = o.lane join simple_queue.queue q on q.id = l.queue) as "oldestQueue",
    (select greatest(0, extract(epoch from statement_timestamp() - at) * 1000) from oldest)::float8 as "oldestReadyMs"`,
);
