import { statement } from '../connection/statement.js';

/** The job of this tick was not stored: by which job its key is taken, or why. */
export const NOTE_TICK = statement(
  'note_tick',
  `update simple_queue.tick set outcome = $4, job = $5::uuid, code = $6 where schedule = $2 and shard = $1 and at = $3::timestamptz`,
);
