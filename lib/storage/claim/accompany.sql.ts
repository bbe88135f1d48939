import { statement } from '../connection/statement.js';

/** Others start beside a suspect that ran alone ($2 at $3): from now on a crash does not count against it. Fenced by its epoch. */
export const ACCOMPANY = statement(
  'accompany',
  `update simple_queue.job set suspicion = suspicion + 1
  where id = $2::uuid and shard = $1 and epoch = $3::int and suspicion > 2 and suspicion % 2 = 1`,
);
