import type { Database } from './database.js';
import { SHARD } from './shard.js';
import { DATABASE_TIME } from './sql/database-time.sql.js';
import { COUNT_DEAD_LETTERS_WRITTEN } from './sql/count-dead-letters-written.sql.js';
import { LIST_OLDEST_READY } from './sql/list-oldest-ready.sql.js';

/** How long the job of a queue waits that is ready for the longest time. */
export interface OldestReady {
  queue: string;
  oldestMs: number;
}

/** The few figures that probes ask for again and again; nothing here counts rows. On the callers' connections, which enqueues use. */
export class HealthRepository {
  constructor(private readonly database: Database) {}

  async ping(): Promise<void> {
    await this.database.callers.run(DATABASE_TIME, []);
  }

  /** Queues that have a ready job and are not paused, the longest wait first. */
  oldestReady(): Promise<OldestReady[]> {
    return this.database.callers.run(LIST_OLDEST_READY, [SHARD]);
  }

  /** A counter that grows with each dead letter, and falls when partitions go. */
  async deadLettersWritten(): Promise<number> {
    return (await this.database.callers.run<{ written: number }>(COUNT_DEAD_LETTERS_WRITTEN, []))[0]!.written;
  }
}
