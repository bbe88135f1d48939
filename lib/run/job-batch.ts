import type { JobRun, RunLane } from './job-run.js';

/** Runs that one call of their handler takes together: claimed and settled each by itself, under one permit. */
export class JobBatch {
  constructor(
    readonly lane: RunLane,
    readonly runs: readonly JobRun[],
  ) {}

  get settled(): boolean {
    return this.runs.every((run) => run.settled);
  }
}

/** What takes the permits of one call of a handler. */
export type Call = JobRun | JobBatch;
