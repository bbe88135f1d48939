import type { TerminalState } from '../../job/job-state.js';
import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { CANCEL } from './cancel.sql.js';
import { FIND_LIVE_KEYS_BY_NAME } from '../keys/find-live-keys.sql.js';
import { PROMOTE_NOW } from './promote-now.sql.js';
import { restoreLost } from './restoring.js';
import { NOTE_PURGED, PURGE_ENDED } from './purge-ended.sql.js';
import { REVIVE } from './revive.sql.js';
import type { Placed } from '../wake-ups/wake-up.js';

/** What became of an ended job that was asked for again; not revived: a live job holds its unique key. */
interface Revived extends Placed {
  id: string;
  uniqueKey: string | null;
  revived: boolean;
}

/** Ended jobs that live again or go for good, and waiting ones that run at once. Each call is one statement, and one transaction. */
export class RevivalRepository {
  constructor(private readonly database: Database) {}

  /** No row for a job that has not ended in one of these states. */
  revive(
    ids: string[],
    states: readonly TerminalState[],
    run: Run = this.database.waiters.run,
  ): Promise<Revived[]> {
    return run(REVIVE, [SHARD, ids, states]);
  }

  /** Those that were scheduled, and are ready now. */
  promoteNow(ids: string[]): Promise<(Placed & { id: string })[]> {
    return this.database.waiters.run(PROMOTE_NOW, [SHARD, ids]);
  }

  /** Those that were in no place, and are where they belong. */
  restore(ids: string[]): Promise<(Placed & { id: string })[]> {
    const waiters = this.database.waiters.about(() => [`restore ${ids.join()}`]);
    return waiters.transaction((run) => restoreLost(run, ids));
  }

  /** Positions of those keys that a live job holds. */
  async liveKeys(keys: { queue: string; uniqueKey: string }[]): Promise<Set<number>> {
    const queues = keys.map((key) => key.queue);
    const values = [SHARD, queues, keys.map((key) => key.uniqueKey)];
    const rows = await this.database.callers.run<{ position: number }>(
      FIND_LIVE_KEYS_BY_NAME,
      values,
    );
    return new Set(rows.map((row) => row.position));
  }

  /** Before jobs of these queues go for good. */
  async notePurged(queues: Iterable<string>): Promise<void> {
    await this.database.waiters.run(NOTE_PURGED, [[...queues]]);
  }

  /** How many ended jobs are gone for good. */
  async purgeEnded(
    ids: string[],
    states: readonly TerminalState[],
    run: Run = this.database.waiters.run,
  ): Promise<number> {
    return (await run<{ purged: number }>(PURGE_ENDED, [SHARD, ids, states]))[0]!.purged;
  }

  /** How many waiting jobs are gone for good: a cancel that keeps nothing, and asks nothing of what runs. */
  async purgeWaiting(ids: string[]): Promise<number> {
    const values = [SHARD, ids, '{}', false];
    return (await this.database.waiters.run<{ cancelled: number }>(CANCEL, values))[0]!.cancelled;
  }
}
