import type { JobEnd } from '../job/job-end.js';
import type { StoredProgress } from '../job/progress.js';
import type { QueueError } from '../job/queue.errors.js';
import type { Waiter } from './waiter.js';

/** A job that has just been stored will hardly have ended before this. */
const FIRST_REST_MS = 5;
/** What is due this much of its rest later is looked at with the others: one statement for many. */
const SLACK = 0.25;

/** A job whose end somebody in this process waits for, and when to look at it next. */
export class Watch {
  readonly waiters = new Set<Waiter>();
  /** It is being stored: nobody waits yet, and it must not be forgotten. */
  isExpected = false;
  /** When other processes last heard of it (monotonic milliseconds). */
  announcedAt = -Infinity;
  private restMs = FIRST_REST_MS;
  private lookAt = Infinity;

  constructor(readonly id: string) {}

  get nextLookAt(): number {
    return this.waiters.size > 0 ? this.lookAt : Infinity;
  }

  get isOver(): boolean {
    return this.waiters.size === 0 && !this.isExpected;
  }

  isDue(now: number): boolean {
    return this.nextLookAt <= now + this.restMs * SLACK;
  }

  /** Subscribed first, then looked at; only what has just been stored is left alone for a moment. */
  add(waiter: Waiter, now: number): void {
    this.restMs = FIRST_REST_MS;
    this.lookAt = Math.min(this.lookAt, this.isExpected ? now + FIRST_REST_MS : now);
    this.isExpected = false;
    this.waiters.add(waiter);
  }

  /** Something was heard of it. */
  hint(): void {
    this.lookAt = -Infinity;
  }

  /** A look leaves: the next one is due in twice the time, whatever this one finds. */
  looked(now: number, longestRestMs: number): void {
    this.restMs = Math.min(this.restMs * 2, longestRestMs);
    this.lookAt = now + this.restMs;
  }

  hear(progress: StoredProgress | null, complain: (error: unknown) => void): void {
    if (progress) for (const waiter of this.waiters) waiter.hear(progress, complain);
  }

  /** Of those who have waited since `sentAt` at the latest. */
  end(end: JobEnd, sentAt: number): void {
    for (const waiter of this.waiters) if (waiter.since <= sentAt) waiter.end(end);
  }

  fail(error: QueueError, sentAt = Infinity): void {
    for (const waiter of this.waiters) if (waiter.since <= sentAt) waiter.fail(error);
  }
}
