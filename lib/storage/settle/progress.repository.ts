import type { SaidProgress, StoredProgress } from '../../job/progress.js';
import type { Run } from '../connection/database.js';
import { DatabaseError } from '../connection/database-errors.js';
import { SHARD } from '../connection/shard.js';
import { epochOf, idOf, type RunKey } from './ended-run.js';
import { PROGRESS } from './progress.sql.js';

/** What is said of a run. */
export type ToldProgress = RunKey & { progress: SaidProgress };

/** What running jobs keep of how far they say that they have come. */
export class ProgressRepository {
  /** What was stored, by job, where nothing was `eachMs` ago: neither that of a run that has lost its job nor of a job that somebody holds locked. */
  async save(
    run: Run,
    said: readonly ToldProgress[],
    eachMs = 0,
  ): Promise<Map<string, StoredProgress>> {
    const text = JSON.stringify(Object.fromEntries(said.map(({ id, progress }) => [id, progress])));
    const store = (json: string) =>
      run<{ id: string; progress: StoredProgress }>(PROGRESS, [SHARD, said.map(idOf), said.map(epochOf), json, eachMs]); // prettier-ignore
    const rows = await store(text).catch((error: unknown) => {
      if (!(error instanceof DatabaseError && error.isRefusal)) throw error;
      // The database's encoding lacks a sign of a note.
      return store(text.replace(/[^\x20-\x7e]/gu, '?'));
    });
    return new Map(rows.map(({ id, progress }) => [id, progress]));
  }
}
