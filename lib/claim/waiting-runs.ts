import type { JobRun } from '../run/job-run.js';
import { HeavyRuns } from './heavy-runs.js';

/** What a lane holds that has not started, in order. */
export class WaitingRuns<Run extends JobRun> {
  /** Claimed, and not wholly here. */
  readonly heavy = new HeavyRuns<Run>();
  /** Claimed and not started, in order. */
  protected waiting: JobRun[] = [];
  private head = 0;

  get buffered(): number {
    return this.waiting.length - this.head;
  }

  /** Claimed and not started. */
  get held(): number {
    return this.buffered + this.heavy.size;
  }

  get bufferedSuspects(): number {
    let count = this.heavy.suspects;
    for (let index = this.head; index < this.waiting.length; index++)
      if (this.waiting[index]!.suspicion > 0) count++;
    return count;
  }

  /** Of the first in line; the lower the more urgent. */
  get priority(): number {
    return this.first?.priority ?? Infinity;
  }

  removeWaiting(id: string): JobRun | undefined {
    const index = this.compact().findIndex((run) => run.id === id);
    return index < 0 ? undefined : this.waiting.splice(index, 1)[0];
  }

  /** The first in line. */
  protected get first(): JobRun | undefined {
    return this.waiting[this.head];
  }

  protected next(): JobRun {
    const run = this.waiting[this.head++]!;
    if (this.head === this.waiting.length || this.head > 1_024) this.compact();
    return run;
  }

  protected compact(): JobRun[] {
    this.waiting = this.waiting.slice(this.head);
    this.head = 0;
    return this.waiting;
  }
}
