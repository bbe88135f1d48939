import type { Database, Run } from '../connection/database.js';
import type { Retention } from '../../options/queue-policy.js';
import { SHARD } from '../connection/shard.js';
import { COMMIT_STAGED, TAKE_STAGED } from './commit-staged.sql.js';
import { EXPIRE_STAGED } from './expire-staged.sql.js';
import type { Placed } from '../wake-ups/wake-up.js';

/** Two-phase enqueue: of commit, abort and expiry exactly one gets the job. */
export class StagedRepository {
  constructor(private readonly database: Database) {}

  /** Whether the job is staged and still in time; it stays locked until the transaction ends. */
  async take(run: Run, id: string): Promise<'inTime' | 'expired' | undefined> {
    const [row] = await run<{ staged: boolean; inTime: boolean }>(TAKE_STAGED, [SHARD, id]);
    if (!row?.staged) return undefined;
    return row.inTime ? 'inTime' : 'expired';
  }

  /** After `take`, in the same transaction. Where it stands now; undefined: it waits for its turn. */
  async commit(run: Run, id: string): Promise<Placed | undefined> {
    return (await run<Placed>(COMMIT_STAGED, [SHARD, id]))[0];
  }

  /** A batch of at most 500. */
  async expire(keep: Retention): Promise<{ due: number; expired: number }> {
    return (
      await this.database.loops.run<{ due: number; expired: number }>(EXPIRE_STAGED, [
        SHARD,
        JSON.stringify(keep),
      ])
    )[0]!;
  }
}
