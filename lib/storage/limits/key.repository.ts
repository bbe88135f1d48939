import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { EXPLAIN_KEY } from './explain-key.sql.js';
import { ASK_KEYS, HAND_PERMITS, PURGE_BUCKETS } from './hand-permits.sql.js';

/** What one look at keys has come to. */
interface HandedPermits {
  /** Changes that were looked at. */
  looked: number;
  /** Lanes in which jobs may run now. */
  lanes: number[];
  fair: boolean;
  /** Some of these jobs are suspects. */
  suspects: boolean;
  /** When to look again; null: nothing is left. */
  nextMs: number | null;
}

/** Why a job waits for a permit of its key. */
export interface KeySituation {
  key: string;
  queue: string;
  concurrency: number | null;
  rate: number | null;
  perMs: number | null;
  held: number;
  rateMs: number;
  seenAt: Date;
  /** Jobs of the key that come before it, counted up to one more than was asked for. */
  ahead: number;
  /** Some of those that have a permit, with the worker that runs them. */
  holders: string[];
}

const PAGE = 1_000;
/** Keys beyond this are found by the janitor's rounds. */
const MAX_PAGES = 100;

/** Limits per key: permits are handed to the jobs that wait for them. */
export class KeyRepository {
  private after: { key: string; queue: number } | undefined;

  constructor(private readonly database: Database) {}

  async handPermits(obeysRates = true): Promise<HandedPermits> {
    return (await this.database.loops.run<HandedPermits>(HAND_PERMITS, [SHARD, obeysRates]))[0]!;
  }

  /** undefined: it does not wait for one. */
  async explain(id: string, mostAhead: number): Promise<KeySituation | undefined> {
    const values = [SHARD, id, mostAhead];
    return (await this.database.callers.run<KeySituation>(EXPLAIN_KEY, values))[0];
  }

  /** All keys in which jobs wait are looked at once more. */
  async askAll(): Promise<void> {
    this.after = undefined;
    for (let page = 0; page < MAX_PAGES && (await this.askSome()); page++);
  }

  /** The next page of them. False: that was the last one. */
  async askSome(): Promise<boolean> {
    const { key, queue } = this.after ?? { key: '', queue: 0 };
    const [last] = await this.database.loops.run<{ key: string; queue: number; n: number }>(
      ASK_KEYS,
      [SHARD, PAGE, key, queue],
    );
    this.after = last?.n === PAGE ? last : undefined;
    return this.after !== undefined;
  }

  /** At most 1,000. */
  async purgeBuckets(): Promise<number> {
    return (await this.database.loops.run<{ gone: number }>(PURGE_BUCKETS, [SHARD]))[0]!.gone;
  }
}
