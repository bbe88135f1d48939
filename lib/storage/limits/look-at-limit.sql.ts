import { inLane, MAY_RUN } from '../places/places.sql.js';
import { statement } from '../connection/statement.js';

/** Jobs that may run in these lanes, counted to `most`: no further than that is looked. */
export const waitingIn = (lanes: string, most: string): string => `(select count(*) from (
    select from unnest(${lanes}::int[]) q(lane) cross join lateral (
      ${inLane(MAY_RUN, 'q.lane', { limit: most })}) s limit ${most}) w)::int`;

/**
 * How a limit ($2) is shared, and whether jobs wait for it in these lanes ($3). Shares of leases that have run out are left out: their
 * processes claim nothing more, and what they hold is freed in its time.
 */
export const LOOK_AT_LIMIT = statement(
  'look_at_limit',
  `select l.concurrency, l.allotted, ${waitingIn('$3', '1')} as waiting, coalesce(s.shares, '[]') as shares
  from simple_queue.fleet_limit l left join lateral (
    select json_agg(json_build_object('lease', a.lease, 'n', a.n, 'wanted', a.wanted, 'isWhole', a.expires_at is not null and a.lanes = '{}',
      'turnMs', extract(epoch from statement_timestamp() - a.turn_at) * 1000) order by a.lease) as shares
    from simple_queue.allotment a
    where a.name = l.name and a.shard = l.shard and (a.expires_at > statement_timestamp() or exists (
      select from simple_queue.lease e where e.id = a.lease and e.shard = $1 and e.expires_at > statement_timestamp()))) s on true
  where l.name = $2 and l.shard = $1`,
);
