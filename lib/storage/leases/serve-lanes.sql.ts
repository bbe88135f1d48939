import { statement } from '../connection/statement.js';

/** Writes down which lanes a process serves, when that has changed; apart from the heartbeat, which stays one small update. */
export const SERVE_LANES = statement(
  'serve_lanes',
  `update simple_queue.lease set lanes = $3::int[] where id = $2::uuid and shard = $1`,
);
