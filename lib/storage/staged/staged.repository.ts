import type { Database, Run } from '../connection/database.js';
import type { Retention } from '../../options/queue-policy.js';
import { SHARD } from '../connection/shard.js';
import { FIND_WAITS } from './circles.sql.js';
import { COMMIT_STAGED, TAKE_STAGED } from './commit-staged.sql.js';
import { restoreLost } from '../operate/restoring.js';
import { AWAIT_DEPENDENCIES, FIND_DEPENDENCIES, TAKE_DEPENDENTS } from './take-dependents.sql.js';
import { EXPIRE_STAGED, FAIL_DEPENDENTS } from './expire-staged.sql.js';
import type { Placed } from '../wake-ups/wake-up.js';

interface Committed {
  /** Those that do not wait for their turn. */
  placed: Placed[];
  /** Some of them were nowhere, and are where they belong. */
  isRestored: boolean;
}

type CommittedRow = Placed & { id: string; placed: boolean; lost: boolean };

/** Of a job that depends on others: `failed` is the first of them that has not succeeded; without a state it is unknown. */
export interface Decided {
  id: string;
  failed: { id: string; state: string | null } | null;
}

/** A job or a stage, the one that it waits for, and why: it depends on it, has its turn behind it in an ordered group, or both are of a workflow. */
export type Wait = readonly [item: string, awaits: string, why: 'awaits' | 'turn' | 'step'];

interface Waits {
  waits: Wait[];
  cut: boolean;
  last: string | null;
}

/** Jobs and stages of which one statement reads what they wait for. */
const MAX_READ = 20_000;

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Two-phase enqueue: of commit, abort and expiry exactly one gets the job. */
export class StagedRepository {
  /** How far the look for those has come of which nobody knows what they depend on. */
  private after = FIRST;

  constructor(private readonly database: Database) {}

  /** Whether the job is staged and still in time; it stays locked until the transaction ends. */
  async take(run: Run, id: string): Promise<'inTime' | 'expired' | undefined> {
    const [row] = await run<{ staged: boolean; inTime: boolean }>(TAKE_STAGED, [SHARD, id]);
    if (!row?.staged) return undefined;
    return row.inTime ? 'inTime' : 'expired';
  }

  /** After `take` or `takeDependents`, in the same transaction. */
  async commit(run: Run, ids: string[]): Promise<Committed> {
    const rows = await run<CommittedRow>(COMMIT_STAGED, [SHARD, ids]);
    const lost = rows.filter((row) => row.lost).map(({ id }) => id);
    const restored = lost.length > 0 ? await restoreLost(run, lost) : [];
    return {
      placed: [...rows.filter((row) => row.placed), ...restored],
      isRestored: lost.length > 0,
    };
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

  /** A page of jobs of which nobody knows any more what they depend on, by the rows of the duty: how many wait for it again. */
  async awaitAgain(): Promise<number> {
    const [page] = await this.database.loops.run<{ again: number; last: string | null }>(AWAIT_DEPENDENCIES, [SHARD, this.after]); // prettier-ignore
    this.after = page!.last ?? FIRST;
    return page!.again;
  }

  /** Of at most 500 jobs behind `after` that depend on others those for which it is decided; locked until the transaction ends. `last`: there may be more behind it. */
  async takeDependents(
    run: Run,
    after: string,
  ): Promise<{ decided: Decided[]; last: string | null }> {
    return (
      await run<{ decided: Decided[]; last: string | null }>(TAKE_DEPENDENTS, [SHARD, after])
    )[0]!;
  }

  /** Who waits for whom, from `size` jobs behind `after` that depend on others. `cut`: there is more of it. `last`: there may be more jobs behind it. */
  async waits(after: string, size: number): Promise<Waits> {
    return (await this.database.loops.run<Waits>(FIND_WAITS, [SHARD, after, size, MAX_READ]))[0]!;
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
