import { statement } from '../statement.js';

/** Deletes claims whose jobs were all settled and acknowledged. */
export const END_CLAIMS = statement('end_claims', `delete from simple_queue.claim where shard = $1 and id = any($2::uuid[])`);
