import { statement } from '../statement.js';

/**
 * The reaper's first statement: deletes leases that nobody renewed. Skip locked: a lease that is being renewed right now is
 * alive, and two reapers share the work. A statement of its own, so that the second one sees these leases gone.
 */
export const EXPIRE_LEASES = statement(
  'expire_leases',
  `with gone as (
    delete from simple_queue.lease where shard = $1 and ctid = any(array(
      select ctid from simple_queue.lease where shard = $1 and expires_at < statement_timestamp() limit 100 for update skip locked))
    returning worker)
  select worker from gone`,
);
