import { statement } from '../connection/statement.js';

/** A worker that stopped cleanly holds nothing any more. Claims left behind by mistake are then the reaper's. */
export const END_LEASE = statement(
  'end_lease',
  `delete from simple_queue.lease where id = $2::uuid and shard = $1`,
);
