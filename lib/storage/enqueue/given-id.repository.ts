import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { FIND_GIVEN, FIND_KEPT_IDS, FORGET_IDS, PURGE_GIVEN_IDS } from './given-ids.sql.js';
import { glance } from '../connection/callers/undoable.js';

/** A note of an id that has no job; without a version it is gone by now. */
export interface FreeId {
  id: string;
  version: string | null;
}

/** The memory of ids that callers gave: see the table. An insert asks it first; what is here is asked of the few that it knows. */
export class GivenIdRepository {
  constructor(private readonly database: Database) {}

  /**
   * Those of these ids that a job has, live or kept, and the others. A job that moves between the two looks is either found by the second,
   * or lives again, and is met by the next insert.
   */
  async look(run: Run, ids: string[]): Promise<{ known: Set<string>; free: FreeId[] }> {
    const rows = await run<FreeId & { live: boolean }>(FIND_GIVEN, [SHARD, ids]);
    const known = new Set(rows.filter((row) => row.live).map(idOf));
    const ended = rows.filter((row) => !row.live);
    for (const id of ended.length > 0 ? await this.kept(run, ended.map(idOf)) : []) known.add(id);
    return { known, free: ended.filter((row) => !known.has(row.id)) };
  }

  /** One of them was a job's, and nothing else is left of it. */
  async areForgotten(ids: string[]): Promise<boolean> {
    const { free } = await this.look(this.database.callers.run, ids);
    return free.some(({ version }) => version !== null);
  }

  /** The ids are free for the next insert of this transaction. */
  async forget(run: Run, free: FreeId[]): Promise<void> {
    if (free.length > 0)
      await run(FORGET_IDS, [SHARD, free.map(idOf), free.map((row) => row.version)]);
  }

  /** How many notes of this age were looked at; 1,000 at most. */
  async purge(ageMs: number): Promise<number> {
    return (await this.database.loops.run<{ looked: number }>(PURGE_GIVEN_IDS, [SHARD, ageMs]))[0]!
      .looked;
  }

  private async kept(run: Run, ids: string[]): Promise<string[]> {
    return (await glance(run, () => run<{ id: string }>(FIND_KEPT_IDS, [SHARD, ids]))).map(idOf);
  }
}

const idOf = ({ id }: { id: string }): string => id;
