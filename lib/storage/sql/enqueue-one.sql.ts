import { insertion } from '../statement.js';

const STORED = `stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    values ($2, $1, $3, $4, $5, statement_timestamp(), $6, $7, $8, $9)`;

const READIED = `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  values ($3, $1, $5, statement_timestamp(), $2, 0)`;

/**
 * The hot form for a single job: no array, no function scan, no second reading of the row. Beside `enqueue_plain` it takes half the
 * server's time, and most enqueues are of one job.
 */
export const ENQUEUE_ONE = insertion('enqueue_one', `with ${STORED}) ${READIED}`);

/** The same with its wake-up, which leaves with the commit and costs no statement and no commit of its own. Not in callers' transactions. */
export const ENQUEUE_ONE_AND_NOTIFY = insertion(
  'enqueue_one_and_notify',
  `with ${STORED}), readied as (${READIED}) select pg_notify($10, $11)`,
);

/** The same for a worker that runs it at once: claimed by it ($10 under lease $11) instead of ready for all. */
export const ENQUEUE_CLAIMED = insertion(
  'enqueue_claimed',
  `with ${STORED} returning run_at),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs) values ($10, $1, $11, array[$2::uuid], array[0]))
  select run_at::text as "runAt" from stored`,
);
