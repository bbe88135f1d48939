import { statement } from '../connection/statement.js';
import { declared, overruled } from './declared.sql.js';

const WORDS = { lanes: '$3', policies: '$4', by: '$5' };

/** Writes down which lanes a process serves, when that has changed, and now and then; apart from the heartbeat, which stays one small update. */
export const SERVE_LANES = statement(
  'serve_lanes',
  `with ${declared(WORDS)},
  served as (update simple_queue.lease set lanes = $3::int[] where id = $2::uuid and shard = $1 and lanes <> $3::int[])
  select ${overruled(WORDS)}`,
);
