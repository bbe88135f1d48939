import type { Enqueued } from '../../job/enqueue-options.js';
import type { NewJob } from '../../job/new-job.js';
import type { Database } from '../connection/database.js';
import { DATABASE_TIME } from '../connection/database-time.sql.js';
import { repeated } from '../connection/callers/undoable.js';
import { SHARD } from '../connection/shard.js';
import { hasConflictMode } from '../keys/conflict.repository.js';
import type { EnqueueRepository } from './enqueue.repository.js';
import { NOTE_REPLAYED } from './given-ids.sql.js';
import { namesOf } from './may-wait.js';

/** Stores what waited on a disk, once however often it is asked to. */
export class ReplayRepository {
  constructor(
    private readonly database: Database,
    private readonly enqueues: EnqueueRepository,
  ) {}

  /** Throws where the database is away. */
  async probe(): Promise<void> {
    await this.database.callers.run(DATABASE_TIME, []);
  }

  /** Calls that change what is there note the id of their first job in the same transaction. undefined: it was noted already. */
  async store(jobs: NewJob[]): Promise<Enqueued[] | undefined> {
    if (!jobs.some(hasConflictMode)) return this.enqueues.insert(jobs);
    const connections = this.database.waiters.about(() => namesOf(jobs));
    return repeated(() =>
      connections.transaction(async (run) => {
        const noted = await run(NOTE_REPLAYED, [SHARD, jobs[0]!.id]);
        return noted.length === 0 ? undefined : this.enqueues.insertIn(run, jobs);
      }),
    );
  }
}
