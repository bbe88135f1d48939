import { statement } from '../connection/statement.js';

/** What keeps a lease while the event loop of its process is blocked: the lease's own row and nothing else, as `renew_lease` does. */
export const KEEP_LEASE = statement(
  'keep_lease',
  `update simple_queue.lease set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond' where id = $2::uuid and shard = $1`,
);
