import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { DATABASE_TIME } from '../connection/database-time.sql.js';
import { COUNT_DEAD_LETTERS_WRITTEN } from './count-dead-letters-written.sql.js';
import { COUNT_BLOCKED_GROUPS } from '../groups/list-blocked-groups.sql.js';
import { LIST_OLDEST_READY } from './list-oldest-ready.sql.js';

/** How long the job of a queue waits that is ready for the longest time. */
export interface OldestReady {
  queue: string;
  oldestMs: number;
}

/** How many ordered groups of a queue are blocked by a dead job. */
export interface BlockedGroups {
  queue: string;
  groups: number;
  since: Date;
}

/** Nothing is counted beyond this. */
const MOST = 10_000;

/** The few figures that probes ask for again and again; nothing here counts many rows. On the callers' connections, which enqueues use. */
export class HealthRepository {
  constructor(private readonly database: Database) {}

  async ping(): Promise<void> {
    await this.database.callers.run(DATABASE_TIME, []);
  }

  /** Queues that have a ready job and are not paused, the longest wait first. */
  oldestReady(): Promise<OldestReady[]> {
    return this.database.callers.run(LIST_OLDEST_READY, [SHARD]);
  }

  /** Queues with blocked groups, the longest blocked first; 10,000 groups are counted in all. */
  blockedGroups(): Promise<BlockedGroups[]> {
    return this.database.callers.run(COUNT_BLOCKED_GROUPS, [SHARD, MOST]);
  }

  /** A counter that grows with each dead letter, and falls when partitions go. */
  async deadLettersWritten(): Promise<number> {
    return (
      await this.database.callers.run<{ written: number }>(COUNT_DEAD_LETTERS_WRITTEN, [])
    )[0]!.written;
  }
}
