import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import type { Placed } from '../wake-ups/wake-up.js';
import { LOCK_GROUPS_OF, RESTORE } from './restore.sql.js';

/** In a transaction. Those that were in no place, and are where they belong. */
export async function restoreLost(run: Run, ids: string[]): Promise<(Placed & { id: string })[]> {
  await run(LOCK_GROUPS_OF, [SHARD, ids]);
  return run(RESTORE, [SHARD, ids]);
}
