import { statement } from '../connection/statement.js';
import { heldAtOnce } from '../places/held.sql.js';
import { MAY_RUN, WAITING_SINCE, inLane } from '../places/places.sql.js';

/** How many jobs of queue `q` stand in these places. */
const counted = (places: readonly string[], as: string): string => `cross join lateral (
    select count(*)::int as n from (
      select 1 from simple_queue.lane l cross join lateral (
        ${inLane(places, 'l.id', { limit: '$3::int + 1' })}) p
      where l.queue = q.id limit $3::int + 1) w) ${as}`;

/**
 * A page of queues by name, $5 behind $4, or one ($2), with their depth. Nothing is counted beyond $3: ready, blocked, staged and dead letter along their lanes, what runs along
 * the claims, what is scheduled from the front; of both only what is of a lane of the page is put to its queue. The oldest ready job is the first of one of its lane's priorities, so only
 * those are read; of suspects and of a fair queue the first 1,000 rows, since they are not kept by their time.
 */
export const LIST_QUEUES = statement(
  'list_queues',
  `with page as materialized (
    select * from simple_queue.queue where ($2::text is null or name = $2) and ($4::text is null or name > $4) order by name limit $5::int),
  own as materialized (select l.id, l.queue from page q join simple_queue.lane l on l.queue = q.id),
  ${heldAtOnce('lane', '$3::int + 1')},
  later as materialized (
    select lane, run_at from simple_queue.scheduled where shard = $1 order by run_at limit $3::int + 1),
  running as (select o.queue, count(*)::int as n from held h join own o on o.id = h.lane group by o.queue),
  due as (select o.queue, count(*)::int as n, min(s.run_at) as next from later s join own o on o.id = s.lane group by o.queue)
  select q.name as queue, q.paused_at as "pausedAt", r.n as ready, coalesce(u.n, 0) as running, coalesce(d.n, 0) as scheduled,
    x.n as dead, b.n as blocked, t.n as staged, e.n as suspects, d.next as "nextRunAt", (select count(*) from held)::int as "allRunning", (select count(*) from later)::int as "allScheduled",
    case when o.oldest is not null then greatest(0, extract(epoch from statement_timestamp() - o.oldest) * 1000) end::float8 as "oldestReadyMs"
  from page q
  ${counted(MAY_RUN, 'r')}
  ${counted(['dead_letter'], 'x')}
  ${counted(['blocked', 'keyed'], 'b')}
  ${counted(['staged'], 't')}
  ${counted(['suspect'], 'e')}
  cross join lateral (
    select min(f.run_at) as oldest from simple_queue.lane l cross join lateral (
      ${WAITING_SINCE}) f
    where l.queue = q.id) o
  left join running u on u.queue = q.id left join due d on d.queue = q.id
  order by q.name`,
);
