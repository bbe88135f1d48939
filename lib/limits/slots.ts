import type { Drawn } from '../storage/limits/limit.repository.js';

/** Drawn starts, as this process's own clock sees them: the draw left at `sentAt` and came back at `at`. */
interface Batch extends Pick<Drawn, 'firstMs' | 'stepMs' | 'fullAt'> {
  sentAt: number;
  at: number;
  /** The next one. */
  next: number;
  count: number;
}

/**
 * Starts that were drawn for the next moments. Each has its time, by the database's clock: not before the answer was here, which is later than
 * the server told, and no later than `lateMs` after the question had left, which is earlier. What is not used in its time is lost.
 */
export class Slots {
  private batches: Batch[] = [];

  constructor(private readonly lateMs: number) {}

  add({ drawn, firstMs, stepMs, fullAt }: Drawn, sentAt: number, at = performance.now()): void {
    if (drawn > 0)
      this.batches.push({ firstMs, stepMs, fullAt, sentAt, at, next: 0, count: drawn });
  }

  /** Those that may start now. */
  free(now = performance.now()): number {
    this.forget(now);
    return this.batches.reduce((sum, batch) => sum + (dueAt(batch, now) - batch.next), 0);
  }

  /** Those that may start now or later. */
  left(now = performance.now()): number {
    this.forget(now);
    return this.batches.reduce((sum, { next, count }) => sum + (count - next), 0);
  }

  /** When the next one may start that may not yet; Infinity: none is left. */
  nextAt(now = performance.now()): number {
    const later = this.batches.find((batch) => dueAt(batch, now) < batch.count);
    return later ? later.at + later.firstMs + later.stepMs * dueAt(later, now) : Infinity;
  }

  take(now = performance.now()): void {
    const batch = this.batches.find((each) => dueAt(each, now) > each.next);
    if (batch) batch.next++;
  }

  /** All of the last draw that were not used, for giving back; the others are forgotten as well. */
  clear(): { starts: number; fullAt: string } | undefined {
    const last = this.batches.at(-1);
    this.batches = [];
    return last?.fullAt && last.count > last.next
      ? { starts: last.count - last.next, fullAt: last.fullAt }
      : undefined;
  }

  private forget(now: number): void {
    for (const batch of this.batches)
      batch.next = Math.max(batch.next, lapsedAt(batch, now - this.lateMs));
    if (this.batches.some(({ next, count }) => next >= count))
      this.batches = this.batches.filter(({ next, count }) => next < count);
  }
}

/** How many of them may have started by now. */
function dueAt({ at, firstMs, stepMs, next, count }: Batch, now: number): number {
  if (now < at) return next;
  return Math.max(next, Math.min(count, Math.floor((now - at - firstMs) / stepMs) + 1));
}

/** How many of them should have started by then at the latest. */
function lapsedAt({ sentAt, firstMs, stepMs, count }: Batch, then: number): number {
  if (then < sentAt) return 0;
  return Math.min(count, Math.max(0, Math.ceil((then - sentAt - firstMs) / stepMs)));
}
