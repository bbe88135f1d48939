import { dirname } from 'node:path';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { Loop } from '../runtime/loop.js';
import { jobsOf } from '../spool/record.js';
import type { Spool } from '../spool/spool.js';
import type { HeldSegment } from '../spool/state.js';
import type { SpoolRecord } from '../spool/record.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Storage } from '../storage/storage.js';
import { batchesOf, ReplayedCalls, type Refused } from './replayed-calls.js';
import { callOf, recordOf, type SpooledCall } from './spooled-call.js';
import { ANYWHERE, command } from '../runtime/words.js';

/** What was put aside for a reason that passes is tried again so often. */
const AGAIN_MS = 60_000;
/** So little is stored while callers wait for it, instead of writing more behind it. */
const LAST_BYTES = 256 * 1024;

/** Counted since jobs began to be spooled. */
interface Counts {
  jobs: number;
  aside: number;
}

const NONE: Counts = { jobs: 0, aside: 0 };

/** Brings what waits on the disk to the database: segment by segment, in order, each until all of it is stored or put aside. */
export class Replayer {
  /** While callers wait. */
  closing: Promise<void> | undefined;
  private readonly calls: ReplayedCalls;
  private readonly replay: Loop;
  private readonly upkeep: Loop;
  private counts = { ...NONE };
  private triedAt = performance.now();
  private isSpooling = false;
  isStopped = false;
  private isStopping = false;
  private open: (() => void) | undefined;

  constructor(
    private readonly spool: Spool,
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {
    this.calls = new ReplayedCalls(storage, options);
    const onError = (loop: string) => (error: unknown, restMs: number) => {
      if (!isAway(error)) events.emit('loopFailed', () => ({ loop, error, restMs }));
    };
    this.replay = new Loop('replay', () => this.round(), { onError: onError('replay') });
    this.upkeep = new Loop('spool', () => this.keepUp(), { onError: onError('spool') });
  }

  start(): void {
    this.upkeep.start();
    this.replay.start();
  }

  /** Jobs are on the disk. */
  note(jobs: number): void {
    if (!this.isSpooling) this.events.emit('spooling', () => ({ phase: 'began', jobs }));
    this.isSpooling = true;
    this.replay.wake();
  }

  /** Returns when it should be asked again: nothing waits, so it is woken. */
  async round(): Promise<number> {
    if (this.spool.isEmpty) return Infinity;
    // Callers wait only for a database that replies.
    await this.storage.replays.probe();
    try {
      await this.replayAll();
    } finally {
      this.hold(false);
    }
    if (!this.spool.isEmpty) return 0;
    this.tellOver();
    return Infinity;
  }

  /** The folder: this process lives, dead ones have left something, what was refused may pass now. */
  async keepUp(): Promise<number> {
    await this.spool.upkeep();
    if (performance.now() - this.triedAt > AGAIN_MS && !this.spool.isBehind) {
      this.triedAt = performance.now();
      await this.spool.retry(false);
    }
    if (!this.spool.isEmpty) this.replay.wake();
    return this.options.heartbeatIntervalMs;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all([this.replay.stop(), this.upkeep.stop()]);
    await this.spool.close();
    this.isStopped = true;
  }

  /** Callers wait for the last of it; where they write as fast as it is stored, for some segments, and each time for more. */
  private async replayAll(): Promise<void> {
    let [least, most, left] = [Infinity, 1, 0];
    while (!this.spool.isEmpty && !this.isStopping) {
      const { ownBytes, isBehind } = this.spool;
      if (--left < 0 || !isBehind) {
        const isShrinking = !isBehind || ownBytes < least;
        left = isBehind && ownBytes <= LAST_BYTES ? Infinity : isShrinking ? 0 : (most *= 2);
        this.hold(left > 0);
      }
      least = Math.min(least, ownBytes);
      await this.replaySegment();
    }
  }

  /** Who waits already goes on; whoever comes now waits, or not. */
  private hold(isClosed: boolean): void {
    const { open } = this;
    this.closing = this.open = undefined;
    if (isClosed) this.closing = new Promise<void>((resolve) => (this.open = resolve));
    open?.();
  }

  private async replaySegment(): Promise<void> {
    const segment = await this.spool.oldest();
    if (!segment) return;
    try {
      if (!segment.isDone) await this.store(segment);
      await this.spool.done(segment);
    } catch (error) {
      // The database comes back. What the disk refuses may stay as it is, and what nobody can read: nothing else waits for it.
      if (!(error instanceof QueueError)) this.spool.postpone(segment);
      throw error;
    }
  }

  private async store(segment: HeldSegment): Promise<void> {
    const refused: Refused[] = [];
    const calls = await this.callsOf(segment);
    let jobs = 0;
    for (const batch of batchesOf(calls, this.calls.tries))
      jobs += await this.calls.store(batch, refused);
    this.calls.tries = 0;
    for (const isPassing of [true, false]) {
      const some = refused.filter((each) => each.isPassing === isPassing);
      if (some.length > 0) await this.putAside(some, isPassing);
    }
    // Not before: what fails until here is stored again.
    this.counts.jobs += jobs;
    this.counts.aside += refused.reduce((sum, { call }) => sum + call.jobs.length, 0);
  }

  private async callsOf(segment: HeldSegment): Promise<SpooledCall[]> {
    const calls: SpooledCall[] = [];
    for (const record of await this.spool.read(segment)) {
      const call = callOf(record);
      if (call) calls.push(call);
      else await this.spool.keepDamaged(record.body);
    }
    return calls;
  }

  private async putAside(refused: Refused[], isPassing: boolean): Promise<void> {
    const records: SpoolRecord[] = refused.map(({ call, code }) => recordOf({ ...call, refused: code })); // prettier-ignore
    await this.spool.keepAside(records, isPassing);
    const codes = [...new Set(refused.map(({ code }) => code))].join(', ');
    const next = isPassing
      ? 'They are tried again every minute.'
      : `They wait for somebody: ${command(['spool', 'status', dirname(this.spool.aside.path)], ANYWHERE)}`;
    const message = `${jobsOf(records)} spooled job(s) were refused and put aside (${codes}). ${next}`;
    this.events.emit('warning', () => ({ code: 'SPOOL_ASIDE', message }));
  }

  private tellOver(): void {
    const { counts, calls } = this;
    const existing = Math.max(0, counts.jobs - calls.made);
    [this.counts, calls.made] = [{ ...NONE }, 0];
    this.isSpooling = false;
    this.events.emit('spooling', () => ({ phase: 'over', ...counts, existing }));
  }
}

const isAway = (error: unknown): boolean => error instanceof DatabaseError && error.isAway;
