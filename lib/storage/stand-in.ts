import { Worker } from 'node:worker_threads';
import { connectionOptionsOf } from './connection-options.js';
import type { Database } from './database.js';
import { SHARD } from './shard.js';
import { KEEP_LEASE } from './sql/keep-lease.sql.js';
import { STAND_IN_THREAD } from './stand-in-thread.js';

export interface StandInTerms {
  leaseMs: number;
  /** How often the lease is renewed. */
  intervalMs: number;
  /** An event loop that has not turned for this long hangs: its lease may lapse. 0: no stand-in. */
  stuckMs: number;
  queryTimeoutMs: number;
  /** There is none, or no longer one. */
  onMissing: (reason: string) => void;
}

const MAX_STARTS = 4;
const AGAIN_MS = 1_000;
/** It loads `pg` at most. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8, stackSizeMb: 1 };
const [TURNED_AT, RENEWED_AT] = [0, 1];

/** Renews a lease from a thread while the event loop is blocked, so that a busy process is not taken for a dead one. See docs/adr/0019. */
export class StandIn {
  private readonly times = new Float64Array(new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT));
  private thread: Worker | undefined;
  private pulse: NodeJS.Timeout | undefined;
  private again: NodeJS.Timeout | undefined;
  private lease = '';
  private starts = 0;
  private stopped = false;

  constructor(
    private readonly database: Pick<Database, 'dataSource' | 'textOf'>,
    private readonly terms: StandInTerms,
  ) {}

  /** When this lease was last renewed, by whichever thread; of the clock of `performance.now()`. */
  get renewedAt(): number {
    return this.times[RENEWED_AT]!;
  }

  /** Takes over a lease, or learns that it was renewed. */
  renewed(lease: string, at: number): void {
    this.times[RENEWED_AT] = at;
    if (lease === this.lease) return;
    this.lease = lease;
    this.thread?.postMessage(lease);
    if (this.starts === 0 && this.terms.stuckMs > 0) this.start();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.pulse);
    clearTimeout(this.again);
    await this.thread?.terminate();
  }

  private start(): void {
    this.starts++;
    this.pulse ??= setInterval(() => this.turn(), this.lookMs).unref();
    this.turn();
    try {
      this.thread = this.makeThread();
    } catch (error) {
      // Settings that hold a function, such as a password that is asked for, reach no thread.
      // The error's message quotes the function, which may be the password.
      this.terms.onMissing(
        `the settings of its connection cannot be handed over: ${error instanceof Error ? error.name : 'Error'}`,
      );
    }
  }

  private turn(): void {
    this.times[TURNED_AT] = performance.now();
  }

  private makeThread(): Worker {
    const thread = new Worker(STAND_IN_THREAD, { eval: true, execArgv: [], resourceLimits: LIMITS, workerData: this.workerData });
    let reason = 'it ended by itself';
    thread.on('error', (error: unknown) => (reason = error instanceof Error ? error.message : String(error)));
    thread.on('exit', () => this.lost(reason));
    thread.unref();
    thread.postMessage(this.lease);
    return thread;
  }

  private lost(reason: string): void {
    this.thread = undefined;
    if (this.stopped) return;
    if (this.starts >= MAX_STARTS) this.terms.onMissing(reason);
    else this.again = setTimeout(() => this.start(), AGAIN_MS).unref();
  }

  private get lookMs(): number {
    return Math.max(1, this.terms.intervalMs / 4);
  }

  private get workerData() {
    const { leaseMs, intervalMs, stuckMs, queryTimeoutMs } = this.terms;
    // Nothing is read there, and functions reach no thread.
    const connection = { ...connectionOptionsOf(this.database.dataSource), types: undefined, query_timeout: queryTimeoutMs };
    return {
      from: import.meta.url,
      times: this.times.buffer,
      offset: Number(process.hrtime.bigint()) / 1e6 - performance.now(),
      connection,
      text: this.database.textOf(KEEP_LEASE),
      shard: SHARD,
      ...{ leaseMs, intervalMs, stuckMs, lookMs: this.lookMs, lateMs: 2 * this.lookMs },
    };
  }
}
