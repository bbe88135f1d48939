import { statement } from '../statement.js';

/** Which of these ids stand in archive or dead letter, and until when those are kept, which leads to their partition: see the function. */
export const FIND_ENDED = statement(
  'find_ended',
  `select id, to_json(expires_at) #>> '{}' as "expiresAt" from simple_queue.ended($1::uuid[])`,
);
