import { insertion } from '../connection/statement.js';
import { UNTOUCHED, UNTOUCHED_VALUES } from './new-row.sql.js';

/** One look by primary key: 5 to 8 µs. Where the database does not know the lane (any more), nothing is stored, and no row says that it is. */
const KNOWN = `from simple_queue.lane where id = $3 and unused_at is null`;

const STORED = `stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes,
      ${UNTOUCHED})
    select $2::uuid, $1::smallint, $3::int, $4::int, $5::smallint, statement_timestamp(), $6::text, $7::jsonb, $8::json, $9::bytea,
      ${UNTOUCHED_VALUES} ${KNOWN}`;

const READIED = `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  select $3::int, $1::smallint, $5::smallint, statement_timestamp(), $2::uuid, 0`;

/**
 * The hot form for a single job: no array, no function scan, no second reading of the row. Beside `enqueue_plain` it takes half the
 * server's time, and most enqueues are of one job.
 */
export const ENQUEUE_ONE = insertion(
  'enqueue_one',
  `with ${STORED} returning id, run_at, epoch) insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  select $3::int, $1::smallint, $5::smallint, run_at, id, epoch from stored returning true as stored`,
);

/** The same with its wake-up, which leaves with the commit and costs no statement and no commit of its own. Not in callers' transactions. */
export const ENQUEUE_ONE_AND_NOTIFY = insertion(
  'enqueue_one_and_notify',
  `with ${STORED}), readied as (${READIED} ${KNOWN}) select pg_catalog.pg_notify($10, $11) ${KNOWN}`,
);

/** The same for a worker that runs it at once: claimed by it ($10 under lease $11) instead of ready for all. */
export const ENQUEUE_CLAIMED = insertion(
  'enqueue_claimed',
  `with ${STORED} returning run_at),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $10::uuid, $1::smallint, $11::uuid, array[$2::uuid], array[0] ${KNOWN})
  select run_at::text as "runAt" from stored`,
);
