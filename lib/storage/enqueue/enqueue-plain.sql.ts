import { insertion } from '../connection/statement.js';
import { knownLanes, UNKNOWN_LANES } from '../lanes/known-lanes.sql.js';

/**
 * The hot form: jobs due now, with an id of ours and no unique key. Nothing can conflict, so nothing is returned
 * (`returning id` costs 15 % of a bulk insert) but that a lane is not known ($13). Lane, queue and priority are given once ($2 to $4) where all jobs have the same; reading
 * the short arrays twice costs less than keeping the rows for a second look.
 */
export const ENQUEUE_PLAIN = insertion(
  'enqueue_plain',
  `with ${knownLanes('$13')},
  stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    select id, $1, coalesce(lane, $2), coalesce(queue, $3), coalesce(priority, $4), statement_timestamp(), fingerprint,
      options::jsonb, payload::json, payload_bytes
    from unnest($5::uuid[], $6::int[], $7::int[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::bytea[])
      u(id, lane, queue, priority, fingerprint, options, payload, payload_bytes)
    where exists (select from known)),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select coalesce(lane, $2), $1, coalesce(priority, $4), statement_timestamp(), id, 0
    from unnest($5::uuid[], $6::int[], $8::smallint[]) u(id, lane, priority) where exists (select from known))
  ${UNKNOWN_LANES}`,
);
