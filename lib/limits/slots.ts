import { DRAWN_AHEAD_MS } from '../job/limit.js';
import { Lately } from './lately.js';
import type { Drawn } from '../storage/limits/limit.repository.js';

/** Drawn starts, as this process's own clock sees them: the draw left at `sentAt` and came back at `at`. */
interface Batch extends Pick<Drawn, 'firstMs' | 'stepMs' | 'fullAt'> {
  sentAt: number;
  at: number;
  /** The next one. */
  next: number;
  /** All behind this one were not used. */
  used: number;
  count: number;
}

/** The last starts that were drawn, and the bucket behind them. */
export interface Unused {
  starts: number;
  fullAt: string;
}

/**
 * Starts that were drawn for the next moments. Each has its time, by the database's clock: not before the answer was here, which is later than
 * the server told, and no later than `lateMs` after the question had left, which is earlier. What is not used in its time is lost,
 * unless nobody has drawn behind it.
 */
export class Slots {
  private batches: Batch[] = [];
  private lapsedBatch: Batch | undefined;
  private readonly lost = new Lately(2 * DRAWN_AHEAD_MS);
  /** Until then there is none to forget: asked for with each start, so it has to be cheap. */
  private keptUntil = -Infinity;

  constructor(private readonly lateMs: number) {}

  add({ drawn, firstMs, stepMs, fullAt }: Drawn, sentAt: number, at = performance.now()): void {
    this.keptUntil = -Infinity;
    if (drawn > 0)
      this.batches.push({ firstMs, stepMs, fullAt, sentAt, at, next: 0, used: 0, count: drawn });
  }

  /** Those that may start now. */
  free(now = performance.now()): number {
    this.forget(now);
    let free = 0;
    for (const batch of this.batches) free += dueAt(batch, now) - batch.next;
    return free;
  }

  /** Those that may start now or later. */
  left(now = performance.now()): number {
    this.forget(now);
    return this.batches.reduce((sum, { next, count }) => sum + (count - next), 0);
  }

  /** Lost lately, not used in their time. */
  lapsed(now = performance.now()): number {
    this.forget(now);
    return this.lost.many(now);
  }

  /** When the next one may start that may not yet; Infinity: none is left. */
  nextAt(now = performance.now()): number {
    const later = this.batches.find((batch) => dueAt(batch, now) < batch.count);
    return later ? later.at + later.firstMs + later.stepMs * dueAt(later, now) : Infinity;
  }

  take(now = performance.now()): void {
    const batch = this.batches.find((each) => dueAt(each, now) > each.next);
    if (!batch) return;
    batch.used = ++batch.next;
    if (batch.next >= batch.count) this.keptUntil = -Infinity;
  }

  /** All of the last draw behind the last one that was used, for giving back; the others are forgotten as well. */
  clear(): Unused | undefined {
    const last = this.batches.at(-1);
    this.batches = [];
    return last && unusedOf(last);
  }

  /** The same where none of them is left: they came too late for each job. */
  takeLapsed(now = performance.now()): Unused | undefined {
    this.forget(now);
    const { lapsedBatch } = this;
    this.lapsedBatch = undefined;
    return lapsedBatch && this.batches.length === 0 ? unusedOf(lapsedBatch) : undefined;
  }

  /** When the last one that is left will be lost; Infinity: none is left. */
  lapseAt(now = performance.now()): number {
    this.forget(now);
    const last = this.batches.at(-1);
    return last ? nextLapseOf({ ...last, next: last.count - 1 }) + this.lateMs : Infinity;
  }

  private forget(now: number): void {
    if (now < this.keptUntil) return;
    for (const batch of this.batches) {
      const next = Math.max(batch.next, lapsedAt(batch, now - this.lateMs));
      if (next > batch.next) this.lost.count(next - batch.next, now);
      batch.next = next;
    }
    const last = this.batches.at(-1);
    if (last && last.next >= last.count) this.lapsedBatch = last;
    if (this.batches.some(({ next, count }) => next >= count))
      this.batches = this.batches.filter(({ next, count }) => next < count);
    this.keptUntil = Math.min(...this.batches.map((batch) => nextLapseOf(batch) + this.lateMs));
  }
}

function unusedOf({ count, used, fullAt }: Batch): Unused | undefined {
  return fullAt && count > used ? { starts: count - used, fullAt } : undefined;
}

/** How many of them may have started by now. */
function dueAt({ at, firstMs, stepMs, next, count }: Batch, now: number): number {
  if (now < at) return next;
  return Math.max(next, Math.min(count, Math.floor((now - at - firstMs) / stepMs) + 1));
}

/** Before then none of those that are left is late. */
const nextLapseOf = ({ sentAt, firstMs, stepMs, next }: Batch): number =>
  sentAt + Math.max(0, firstMs + stepMs * next);

/** How many of them should have started by then at the latest. */
function lapsedAt({ sentAt, firstMs, stepMs, count }: Batch, then: number): number {
  if (then < sentAt) return 0;
  return Math.min(count, Math.max(0, Math.ceil((then - sentAt - firstMs) / stepMs)));
}
