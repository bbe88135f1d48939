import { DatabaseError, LOCKED } from '../connection/database-errors.js';
import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { LOCK_WORKFLOW } from './arrivals.sql.js';
import { END_VANISHED, FIND_VANISHED } from './vanished.sql.js';

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Steps whose jobs are gone without an end: their workflows go on all the same. */
export class VanishedRepository {
  /** How far the look of this process has come. */
  private after = FIRST;

  constructor(private readonly database: Database) {}

  /** A page of running workflows; 0: it was the last one. */
  async endSome(): Promise<number> {
    const { loops } = this.database;
    const values = [SHARD, this.after];
    const [page] = await loops.run<{ found: string[]; last: string | null }>(FIND_VANISHED, values);
    this.after = page!.last ?? FIRST;
    for (const id of page!.found) await this.end(id).catch(unlessLocked);
    return page!.last === null ? 0 : 1;
  }

  /** Of one workflow. Two that look at it at once do so in turn: the second one finds what the first one has told. */
  end(id: string): Promise<void> {
    return this.database.loops.transaction(async (run) => {
      await run(LOCK_WORKFLOW, [SHARD, id]);
      await this.endIn(run, id);
    });
  }

  /** Its caller holds the lock. */
  async endIn(run: Run, id: string): Promise<void> {
    await run(END_VANISHED, [SHARD, id]);
  }
}

/** Somebody moves it on: the next look finds it. */
function unlessLocked(error: unknown): void {
  if (!(error instanceof DatabaseError) || error.sqlState !== LOCKED) throw error;
}
