import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { SKIP_STAGES, TAKE_ENDS } from './arrivals.sql.js';
import type { Moved } from './rows.js';

const BATCH = 500;
const FIRST = '0';

/** Ends that were told as arrivals, and stages that are to be skipped. */
export class ArrivalsRepository {
  /** How far the look of this process has come. */
  private readonly looks = [TAKE_ENDS, SKIP_STAGES].map((statement) => ({ statement, after: FIRST })); // prettier-ignore

  constructor(private readonly database: Database) {}

  /** A batch of each. What is of workflows that others hold waits for another look; `more`: there is more of this one. */
  async take(): Promise<{ moved: Moved[]; more: boolean }> {
    const { loops } = this.database;
    const moved: Moved[] = [];
    for (const look of this.looks) {
      const values = [SHARD, BATCH, look.after];
      const [row] = await loops.run<Moved & { taken: number; last: string | null }>(look.statement, values); // prettier-ignore
      look.after = row!.last ?? FIRST;
      if (row!.taken > 0) moved.push(row!);
    }
    return { moved, more: this.looks.some(({ after }) => after !== FIRST) };
  }
}
