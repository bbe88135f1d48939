import type { Database, Run } from '../connection/database.js';
import type { Retention } from '../../options/queue-policy.js';
import { SHARD } from '../connection/shard.js';
import { COMMIT_STAGED, TAKE_STAGED } from './commit-staged.sql.js';
import { restoreLost } from '../operate/restoring.js';
import { FIND_DEPENDENCIES, TAKE_DEPENDENTS } from './dependents.sql.js';
import { EXPIRE_STAGED, FAIL_DEPENDENTS } from './expire-staged.sql.js';
import type { Placed } from '../wake-ups/wake-up.js';

interface Committed {
  placed?: Placed | undefined;
  isRestored: boolean;
}

/** Of a job that depends on others: `failed` is the first of them that has not succeeded; without a state it is unknown. */
export interface Decided {
  id: string;
  failed: { id: string; state: string | null } | null;
}

/** Two-phase enqueue: of commit, abort and expiry exactly one gets the job. */
export class StagedRepository {
  constructor(private readonly database: Database) {}

  /** Whether the job is staged and still in time; it stays locked until the transaction ends. */
  async take(run: Run, id: string): Promise<'inTime' | 'expired' | undefined> {
    const [row] = await run<{ staged: boolean; inTime: boolean }>(TAKE_STAGED, [SHARD, id]);
    if (!row?.staged) return undefined;
    return row.inTime ? 'inTime' : 'expired';
  }

  /** After `take`, in the same transaction. Where it is now, if it does not wait for its turn; one that was nowhere is where it belongs. */
  async commit(run: Run, id: string): Promise<Committed> {
    const [row] = await run<Placed & { placed: boolean; lost: boolean }>(COMMIT_STAGED, [SHARD, id]); // prettier-ignore
    if (!row!.lost)
      return row!.placed ? { placed: row!, isRestored: false } : { isRestored: false };
    return { placed: (await restoreLost(run, [id]))[0], isRestored: true };
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

  /** What the job still depends on. */
  async dependencies(id: string): Promise<string[]> {
    const [row] = await this.database.callers.run<{ awaits: string[] }>(FIND_DEPENDENCIES, [SHARD, id]); // prettier-ignore
    return row?.awaits ?? [];
  }

  /** At most 100 jobs behind `after` that depend on others; locked until the transaction ends. `last`: there may be more behind it. */
  async takeDependents(
    run: Run,
    after: string,
  ): Promise<{ decided: Decided[]; last: string | null }> {
    return (
      await run<{ decided: Decided[]; last: string | null }>(TAKE_DEPENDENTS, [SHARD, after])
    )[0]!;
  }

  /** Ends jobs that `takeDependents` found, each with its error by its id; how many: others may hold some of them. */
  async failDependents(
    run: Run,
    { keep, errors }: { keep: Retention; errors: Record<string, object> },
  ): Promise<number> {
    const values = [SHARD, JSON.stringify(keep), Object.keys(errors), JSON.stringify(errors)];
    return (await run<{ expired: number }>(FAIL_DEPENDENTS, values))[0]!.expired;
  }
}
