import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { connectionOptionsOf } from '../connection/connection-options.js';
import type { Database } from '../connection/database.js';
import { forMessage } from '../connection/session-settings.js';
import { SHARD } from '../connection/shard.js';
import { KEEP_LEASE } from './keep-lease.sql.js';
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
/** Passwords that are asked for last for minutes (IAM: 15), and some are asked for over the network. */
const ASK_AGAIN_MS = 60_000;
/** What is for a pool, or for reading: nothing is read there, and functions reach no thread. */
const NOT_HANDED_OVER = {
  types: undefined,
  log: undefined,
  onConnect: undefined,
  Promise: undefined,
};
/** It loads `pg` at most. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8, stackSizeMb: 1 };
const [TURNED_AT, RENEWED_AT] = [0, 1];

/** Renews a lease from a thread while the event loop is blocked, so that a busy process is not taken for a dead one. See docs/adr/0019. */
export class StandIn {
  private readonly times = new Float64Array(
    new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT),
  );
  private thread: Worker | undefined;
  private pulse: NodeJS.Timeout | undefined;
  private again: NodeJS.Timeout | undefined;
  private lease = '';
  private password: unknown;
  private askAt = 0;
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

  /** Takes over a new lease. Nothing is claimed under it before: a first handler that blocks would let no thread start. */
  async taken(lease: string, at: number): Promise<void> {
    this.times[RENEWED_AT] = at;
    this.lease = lease;
    this.thread?.postMessage({ lease });
    if (this.starts > 0 || this.terms.stuckMs === 0) return;
    await this.askPassword();
    await this.start();
  }

  renewed(at: number): void {
    this.times[RENEWED_AT] = at;
    if (this.terms.stuckMs > 0 && performance.now() >= this.askAt) void this.askPassword();
  }

  /** A function reaches no thread, and nobody can be asked while the event loop is blocked: what it last said is handed over. */
  private async askPassword(): Promise<void> {
    this.askAt = performance.now() + ASK_AGAIN_MS;
    const { password } = connectionOptionsOf(this.database.dataSource);
    if (typeof password !== 'function') return;
    try {
      this.password = await password();
      this.thread?.postMessage({ password: this.password });
    } catch (error) {
      // Its message may quote the password.
      if (this.password === undefined)
        this.terms.onMissing(`the function that gives its password failed: ${nameOf(error)}`);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.pulse);
    clearTimeout(this.again);
    await this.thread?.terminate();
  }

  private async start(): Promise<void> {
    this.starts++;
    this.pulse ??= setInterval(() => this.turn(), this.lookMs).unref();
    this.turn();
    const from = await import('../../runtime/here.js').then(
      ({ HERE }) => HERE,
      besideTheApplication,
    );
    if (this.stopped) return;
    try {
      this.thread = this.makeThread(from);
    } catch (error) {
      // Settings that hold a function, such as `ssl.checkServerIdentity`, reach no thread. The error's message quotes them.
      this.terms.onMissing(
        `the settings of its connection cannot be handed over: ${nameOf(error)}`,
      );
    }
  }

  private turn(): void {
    this.times[TURNED_AT] = performance.now();
  }

  private makeThread(from: string): Worker {
    const workerData = { ...this.workerData, from };
    const options = { eval: true, execArgv: [], resourceLimits: LIMITS, workerData };
    const thread = new Worker(STAND_IN_THREAD, options);
    let reason = 'it ended by itself';
    thread.on(
      'error',
      (error: unknown) => (reason = error instanceof Error ? error.message : String(error)),
    );
    thread.on('exit', () => this.lost(reason));
    thread.unref();
    thread.postMessage({ lease: this.lease });
    return thread;
  }

  private lost(reason: string): void {
    this.thread = undefined;
    if (this.stopped) return;
    if (this.starts >= MAX_STARTS) this.terms.onMissing(reason);
    else this.again = setTimeout(() => void this.start(), AGAIN_MS).unref();
  }

  private get lookMs(): number {
    return Math.max(1, this.terms.intervalMs / 4);
  }

  private get workerData() {
    const { leaseMs, intervalMs, stuckMs, queryTimeoutMs } = this.terms;
    const given = connectionOptionsOf(this.database.dataSource);
    const password = typeof given.password === 'function' ? this.password : given.password;
    const connection = { ...given, ...NOT_HANDED_OVER, password, query_timeout: queryTimeoutMs };
    return {
      // Where the database is; a thread has defaults of its own.
      defaults: (({ host, port, user, password, database, ssl }) => ({
        host,
        port,
        user,
        password,
        database,
        ssl,
      }))(pg.defaults),
      times: this.times.buffer,
      offset: Number(process.hrtime.bigint()) / 1e6 - performance.now(),
      connection,
      text: this.database.textOf(KEEP_LEASE),
      // One message, and no parameters: nothing is left on a connection that a pooler hands on.
      settings: forMessage(queryTimeoutMs),
      shard: SHARD,
      ...{ leaseMs, intervalMs, stuckMs, lookMs: this.lookMs, lateMs: 2 * this.lookMs },
    };
  }
}

/** Where a test runner has translated the package to CommonJS, no file of it is known. */
const besideTheApplication = (): string => pathToFileURL(join(process.cwd(), 'any.js')).href;

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'Error');
