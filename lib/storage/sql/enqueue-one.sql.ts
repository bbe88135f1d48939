import { insertion } from '../statement.js';

/**
 * The hot form for a single job: no array, no function scan, no second reading of the row. Beside `enqueue_plain` it takes half the
 * server's time, and most enqueues are of one job.
 */
export const ENQUEUE_ONE = insertion(
  'enqueue_one',
  `with stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    values ($2, $1, $3, $4, $5, statement_timestamp(), $6, $7, $8, $9))
  insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  values ($3, $1, $5, statement_timestamp(), $2, 0)`,
);
