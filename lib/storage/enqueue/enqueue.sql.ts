import { insertion } from '../connection/statement.js';
import { knownLanes, UNKNOWN_LANES } from '../lanes/known-lanes.sql.js';
import { NEW_LIFE } from './new-life.sql.js';
import { MAY_COME_IN, NOTED } from './noted.sql.js';
import { placed } from '../places/places.sql.js';

/**
 * Stores jobs and places them, in one statement, whatever their number.
 *
 * `do nothing` leaves out an item whose id or unique key is taken: `created` says which came in, and a second statement
 * looks up the others (in one statement a rival that committed after the snapshot would be invisible). The client sorts
 * by (queue, unique key), so that two batches take their keys in the same order and never deadlock.
 * An id that its caller gave ($14) has to be new to the memory of such ids, which waits for a rival that notes it: else it is left out, and
 * whether it is free again is asked afterwards. Those jobs begin at an epoch of their own.
 * A time in the past becomes now: a place behind a worker's cursor would be found late. $13 is that now where several
 * statements store one batch. $15 are the lanes.
 */
export const ENQUEUE = insertion(
  'enqueue',
  `with ${knownLanes('$15')},
  item as materialized (
    select u.*, greatest(t.now, coalesce(u.at, t.now + u.delay_ms * interval '1 millisecond')) as due,
      case when given then ${NEW_LIFE} else 0 end as epoch
    from (select coalesce($13::timestamptz, statement_timestamp()) as now) t, unnest($2::uuid[], $3::int[], $4::int[], $5::smallint[], $6::timestamptz[], $7::float8[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::bytea[], $14::boolean[])
      u(id, lane, queue, priority, at, delay_ms, unique_key, fingerprint, options, payload, payload_bytes, given)
    where exists (select from known)),
  ${NOTED},
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, run_at, unique_key, fingerprint, options, payload, payload_bytes)
    select id, $1, epoch, lane, queue, priority, due, unique_key, fingerprint, options::jsonb, payload::json, payload_bytes from item
    where ${MAY_COME_IN}
    on conflict do nothing
    returning id, lane, priority, run_at, epoch),
  ${placed('stored', ['ready', 'scheduled'])}
  select id from stored union all ${UNKNOWN_LANES}`,
);
