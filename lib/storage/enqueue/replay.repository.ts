import type { Enqueued } from '../../job/enqueue-options.js';
import type { NewJob } from '../../job/new-job.js';
import type { Database } from '../connection/database.js';
import { DATABASE_TIME } from '../connection/database-time.sql.js';
import { repeated } from '../connection/callers/undoable.js';
import { SHARD } from '../connection/shard.js';
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

  /** A job with a note (an id of its call) is stored once: the note commits with it. undefined for each whose note was there already. */
  async store(jobs: NewJob[], notes: (string | undefined)[]): Promise<(Enqueued | undefined)[]> {
    const wanted = [...new Set(notes)].filter((note) => note !== undefined);
    if (wanted.length === 0) return this.enqueues.insert(jobs);
    const connections = this.database.waiters.about(() => namesOf(jobs));
    return repeated(() =>
      connections.transaction(async (run) => {
        const noted = new Set<string | undefined>([undefined]);
        for (const { id } of await run<{ id: string }>(NOTE_REPLAYED, [SHARD, wanted]))
          noted.add(id);
        const open = jobs.filter((_, index) => noted.has(notes[index]));
        const stored = open.length > 0 ? await this.enqueues.insertIn(run, open) : [];
        return notes.map((note) => (noted.has(note) ? stored.shift() : undefined));
      }),
    );
  }
}
