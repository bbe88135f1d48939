import type { Enqueued } from '../job/enqueue-options.js';
import { failureOf } from '../job/failure.js';
import type { JobEnd } from '../job/job-end.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import { Loop } from '../runtime/loop.js';
import { Pace } from '../runtime/pace.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { timedOut } from '../storage/connection/database-errors.js';
import type { EndRow } from '../storage/reading/end.repository.js';
import type { Storage } from '../storage/storage.js';
import { EndTeller } from './end-teller.js';
import { onEnds } from './ends.js';
import { bounded } from '../runtime/bounded.js';
import { aborted, timedOut as late, unstored, Waiter, type CheckedTime } from './waiter.js';
import { Watch } from './watch.js';

/** Longest rest between two looks at a job whose end was not heard of. */
const LONGEST_REST_MS = 1_000;
const MAX_IDS = 1_000;
/** A worker that started later, or lost its listener, hears of the wait by then. */
const ANNOUNCE_EACH_MS = 10_000;
/** The listener of a process without a worker stays open for the next waiter. */
const LINGER_MS = 30_000;

/**
 * Everybody in this process who waits for the end of a job. Looking is the truth, one statement for all; what the own process does and
 * what others tell only makes the next look earlier.
 */
export class Waits {
  private readonly watches = new Map<string, Watch>();
  private readonly loop: Loop;
  private readonly teller: EndTeller;
  private readonly policies: QueuePolicies;
  private readonly longestRestMs: number;
  private readonly pace: Pace;
  private unsubscribe: (() => void) | undefined;
  private linger: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly storage: Storage,
    options: ResolvedOptions,
    private readonly events: QueueEventBus,
    private readonly lingerMs = LINGER_MS,
  ) {
    this.policies = new QueuePolicies(options);
    this.pace = new Pace(options.queryTimeoutMs);
    this.longestRestMs = Math.min(LONGEST_REST_MS, options.pollIntervalMs);
    this.loop = new Loop('wait', () => this.look(), {
      onError: (error, restMs) =>
        events.emit('loopFailed', () => ({ loop: 'wait', error, restMs })),
      maxRestMs: LONGEST_REST_MS,
    });
    this.teller = new EndTeller(storage.endSignals, events);
    storage.endSignals.receive('ended', (ids) => ids.forEach((id) => this.hear(id)));
    storage.signals.whenListening(() => this.lookAtAll());
    storage.beforeClose(() => this.close());
  }

  /** Subscribes to the job, looks, and waits. */
  async wait(id: string, time: CheckedTime): Promise<JobEnd> {
    const watch = this.watchOf(id);
    const waiter = new Waiter(time.onProgress);
    const ends = {
      late: (ms: number) => late(id, ms),
      aborted: (reason: unknown) => aborted(id, reason),
    };
    watch.add(waiter, performance.now());
    this.loop.wakeIn(watch.nextLookAt - performance.now());
    try {
      return await bounded(time, ends, () => waiter.over);
    } finally {
      watch.waiters.delete(waiter);
      this.forgetIfOver(watch);
    }
  }

  /** Stores a job and waits for its end, all within the time. What has not left for the database by then is not stored. */
  afterwards(
    store: (onChecked: (id: string) => void) => Promise<Enqueued>,
    time: CheckedTime,
  ): Promise<JobEnd> {
    let [leaving, stored]: (string | undefined)[] = [];
    const ends = {
      late: (ms: number) =>
        stored === undefined ? unstored('DATABASE_UNAVAILABLE', leaving) : late(stored, ms),
      aborted: (reason: unknown) =>
        stored === undefined ? unstored('WAIT_ABORTED', leaving, reason) : aborted(stored, reason),
    };
    return bounded(time, ends, async (over) => {
      stored = await this.expecting((expect) =>
        store((id) => {
          over.throwIfAborted();
          expect((leaving = id));
        }),
      );
      return this.wait(stored, { ...time, signal: over });
    });
  }

  /** Subscribes to a job before it is stored, and returns the id of the one to wait for: a live one may hold its key. */
  private async expecting(
    store: (onChecked: (id: string) => void) => Promise<Enqueued>,
  ): Promise<string> {
    let watch: Watch | undefined;
    try {
      const answer = await store((id) => {
        watch = this.watchOf(id);
        watch.isExpected = true;
      });
      if (watch && answer.created) return answer.id;
      this.release(watch);
      return answer.id;
    } catch (error) {
      this.release(watch);
      throw error;
    }
  }

  /** @throws QueueError `WAIT_REFUSED` for a queue that keeps nothing: a job that is gone cannot say how it ended. */
  refuseUnkept(queue: string): void {
    if (this.policies.of(queue).archiveKeepMs === undefined) throw unkept(queue);
  }

  /** Jobs that waited were cancelled by this process; `id` where it was said. */
  cancelled(id?: string): void {
    if (id !== undefined) this.teller.ended(id);
    this.lookAtAll();
  }

  private hear(id: string): void {
    const watch = this.watches.get(id);
    watch?.hint();
    if (watch) this.loop.wake();
  }

  private lookAtAll(): void {
    for (const watch of this.watches.values()) watch.hint();
    if (this.watches.size > 0) this.loop.wake();
  }

  private watchOf(id: string): Watch {
    if (this.isClosed) throw closed();
    const known = this.watches.get(id);
    if (known) return known;
    if (this.watches.size === 0) this.listen();
    const watch = new Watch(id);
    this.watches.set(id, watch);
    this.announce([watch]);
    return watch;
  }

  private announce(watches: Watch[]): void {
    const now = performance.now();
    const old = watches.filter((watch) => now - watch.announcedAt >= ANNOUNCE_EACH_MS);
    for (const watch of old) watch.announcedAt = now;
    if (old.length === 0) return;
    const ids = old.map((watch) => watch.id);
    this.storage.endSignals.send('waited', ids);
  }

  private release(watch: Watch | undefined): void {
    if (!watch) return;
    watch.isExpected = false;
    this.forgetIfOver(watch);
  }

  private forgetIfOver(watch: Watch): void {
    if (!watch.isOver || this.watches.get(watch.id) !== watch) return;
    this.watches.delete(watch.id);
    if (this.watches.size === 0) this.rest();
  }

  /** The first one waits. */
  private listen(): void {
    clearTimeout(this.linger);
    this.loop.start();
    this.storage.signals.startListening(this);
    const stops = [
      onEnds(this.events, (id) => this.hear(id)),
      this.events.on('reaped', () => this.lookAtAll()),
    ];
    this.unsubscribe = () => stops.forEach((stop) => stop());
  }

  /** The last one has gone; the connection stays for a while. */
  private rest(): void {
    this.unsubscribe?.();
    this.linger = setTimeout(
      () => void this.storage.signals.stopListening(this),
      this.lingerMs,
    ).unref();
  }

  private async look(): Promise<number> {
    const now = performance.now();
    const due = [...this.watches.values()]
      .filter((watch) => watch.isDue(now))
      .slice(0, Math.min(MAX_IDS, this.pace.most));
    if (due.length > 0) await this.ask(due, now);
    let nextLookAt = Infinity;
    for (const watch of this.watches.values()) nextLookAt = Math.min(nextLookAt, watch.nextLookAt);
    return nextLookAt - performance.now();
  }

  /** What is heard while the statement is under way makes another one due. */
  private async ask(due: Watch[], now: number): Promise<void> {
    for (const watch of due) watch.looked(now, this.longestRestMs);
    const sentAt = performance.now();
    try {
      const rows = await this.storage.ends.find(due.map((watch) => watch.id));
      this.pace.took(due.length, performance.now() - sentAt);
      for (const row of rows) this.answer(row, sentAt);
      this.announce(due);
    } catch (error) {
      for (const watch of due) watch.hint();
      if (timedOut(error)) this.pace.missed(due.length);
      throw error;
    }
  }

  /** Who came while it was under way has to be looked for again: the job may have been stored since, or run again. */
  private answer(row: EndRow, sentAt: number): void {
    const watch = this.watches.get(row.id);
    watch?.hear(row.progress, this.complain);
    if (row.state !== null) watch?.end(endOf(row), sentAt);
    else if (row.queue === null) watch?.fail(unknown(row.id), sentAt);
    else if (this.policies.of(row.queue).archiveKeepMs === undefined)
      watch?.fail(unkept(row.queue));
  }

  private readonly complain = (error: unknown): void =>
    this.events.emit('warning', () => ({
      code: 'LISTENER_FAILED',
      message: `An onProgress of wait failed: ${failureOf(error).message}`,
    }));

  private async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.linger);
    this.teller.close();
    for (const watch of this.watches.values()) watch.fail(closed());
    await this.loop.stop();
  }
}

function endOf({ id, state, output, last_error: error }: EndRow): JobEnd {
  if (state === 'succeeded') return { id, state, output: output ?? undefined };
  return { id, state: state!, ...(error && { error }) };
}

function closed(): QueueError {
  return new QueueError(
    'CLOSED',
    'The queue was closed with its application; nobody can wait for a job here any more.',
  );
}

function unknown(id: string): QueueError {
  return new QueueError(
    'JOB_UNKNOWN',
    `Job ${id} is not known: it was never stored, its transaction has not committed, or it has ended and is no longer kept.`,
  );
}

function unkept(queue: string): QueueError {
  return new QueueError(
    'WAIT_REFUSED',
    `Nobody can wait for jobs of queue "${queue}": with archive: false a job that has succeeded leaves no trace. Set queues["${queue}"].archive to { keepMs: 60_000 } or more.`,
  );
}
