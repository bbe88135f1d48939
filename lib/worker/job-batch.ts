import type { JobRun } from './job-run.js';
import type { WorkerLane } from './worker-lane.js';

/** Runs that one call of their handler takes together: claimed and settled each by itself, under one permit. */
export class JobBatch {
  constructor(
    readonly lane: WorkerLane,
    readonly runs: readonly JobRun[],
  ) {}

  get settled(): boolean {
    return this.runs.every((run) => run.settled);
  }
}
