import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { NOTE_UNUSED_LANES, REMOVE_UNUSED_LANES } from './unused-lanes.sql.js';

/** Lanes that one statement looks at, or removes. */
const PAGE = 1_000;

/** Lanes and queues that nobody uses any more: a name that came once would be asked for by every claim, for ever. */
export class UnusedLanesRepository {
  constructor(private readonly database: Database) {}

  /** Looks at a page behind `after`; returns where the next one starts. */
  async note(after: number): Promise<number> {
    const [page] = await this.database.loops.run<{ last: number; lanes: number }>(
      NOTE_UNUSED_LANES,
      [SHARD, after, PAGE],
    );
    return page!.lanes < PAGE ? 0 : page!.last;
  }

  /** How many went; 1,000 lanes at most. */
  async remove(unusedMs: number): Promise<{ lanes: number; queues: number }> {
    return (
      await this.database.loops.run<{ lanes: number; queues: number }>(REMOVE_UNUSED_LANES, [
        SHARD,
        unusedMs,
        PAGE,
      ])
    )[0]!;
  }
}
