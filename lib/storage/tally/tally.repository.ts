import type { LaneTally, Tallied } from '../../observability/run-tally.js';
import type { Database } from '../connection/database.js';
import { timeOf } from '../connection/database-time.js';
import { SHARD } from '../connection/shard.js';
import {
  LIST_BUSIEST,
  LIST_RATES,
  LIST_SERIES,
  SUM_UP_MINUTES,
  SUM_UP_WORKERS,
  WRITE_TALLY,
} from './tally.sql.js';
import { MINUTE_MS } from '../../job/values/duration.js';

/** What was counted, as sums. */
export type TallyRow = Record<Tallied, number> & {
  wait: (number | null)[];
  run: (number | null)[];
};

/** Of a queue in one of the last twelve steps of five minutes. */
interface RateRow {
  queue: string;
  step: number;
  started: number;
  /** Runs that failed, for whatever came of it. */
  failed: number;
  ended: number;
}

/** What a process has counted in its last `ms`. */
interface Counted {
  worker: string;
  lanes: LaneTally[];
  ms: number;
  keepMs: number;
}

interface Span {
  from: Date;
  to: Date;
}

/** A minute is over by then, and every process has written it. */
const WRITTEN_MS = 3 * MINUTE_MS;
/** Until then minutes are kept apart. */
const RECENT_MS = 48 * 60 * MINUTE_MS;

/** What workers have counted: rows of theirs, and sums of them. */
export class TallyRepository {
  constructor(private readonly database: Database) {}

  async write({ worker, lanes, ms, keepMs }: Counted): Promise<void> {
    const sparse = (buckets: number[]) => buckets.map((jobs) => jobs || null);
    const rows = lanes.map((row) => ({ ...row, wait: sparse(row.wait), run: sparse(row.run) }));
    const values = [SHARD, worker, ms, JSON.stringify(rows), keepMs];
    await this.database.loops.run(WRITE_TALLY, values);
  }

  /** How many rows became parts of a sum: those of one minute, or where there are none, of one hour. */
  async sumUp(): Promise<number> {
    const { run } = this.database.loops;
    const [workers] = await run<{ gone: number }>(SUM_UP_WORKERS, [SHARD, WRITTEN_MS]);
    if (workers!.gone > 0) return workers!.gone;
    return (await run<{ gone: number }>(SUM_UP_MINUTES, [SHARD, RECENT_MS]))[0]!.gone;
  }

  series(
    { from, to }: Span,
    stepMs: number,
    lanes?: number[],
  ): Promise<(TallyRow & { at: number })[]> {
    const values = [SHARD, from, to, stepMs, lanes ?? null];
    return this.database.callers.run(LIST_SERIES, values);
  }

  busiest({ from, to }: Span, most: number): Promise<(TallyRow & { queue: string })[]> {
    return this.database.callers.run(LIST_BUSIEST, [SHARD, from, to, most]);
  }

  /** Of the first queues by name, behind `after`. */
  rates(most: number, after?: string): Promise<RateRow[]> {
    return this.database.callers.run(LIST_RATES, [SHARD, after ?? null, most]);
  }

  /** Of the database. */
  async now(): Promise<Date> {
    return new Date(await timeOf(this.database.callers.run));
  }
}
