import { LEAST_AHEAD } from '../runtime/line.js';
import type { JobRun } from '../run/job-run.js';

/** Claimed jobs of a lane whose heavy parts are not here yet, in order. */
export class HeavyRuns<Run extends JobRun> {
  private runs: Run[] = [];
  private bytes = 0;
  /** Bytes: where more than these are still on their way, nothing more is claimed ahead. */
  enough = LEAST_AHEAD;

  get size(): number {
    return this.runs.length;
  }

  get isEnough(): boolean {
    return this.bytes > this.enough;
  }

  get suspects(): number {
    return this.runs.filter((run) => run.suspicion > 0).length;
  }

  at(index: number): Run | undefined {
    return this.runs[index];
  }

  add(run: Run): void {
    this.runs.push(run);
    this.bytes += run.weight;
  }

  /** False: it was given back meanwhile. */
  remove(run: Run): boolean {
    const index = this.runs.indexOf(run);
    if (index < 0) return false;
    this.runs.splice(index, 1);
    this.bytes -= run.weight;
    return true;
  }

  removeAll(): Run[] {
    const { runs } = this;
    this.runs = [];
    this.bytes = 0;
    return runs;
  }
}
