import { bigintArray, floatArray, textArray } from './binary-array.js';
import type { NewJob } from './enqueue.repository.js';

/** What a new job may have to wait for besides its time. */
export interface Held {
  /** '' is the group of a queue that is ordered as a whole, and of what has no group in a fair queue. */
  group?: string;
  ordered?: boolean;
  /** Drawn before the insert, where a batch takes several statements. */
  seq?: string;
  commitWithinMs?: number;
  /** Its queue is fair: it stands with its group. */
  fair?: boolean;
}

export const isHeld = (job: Held): boolean => job.group !== undefined || job.commitWithinMs !== undefined;

/** What `enqueue_held` is told beside what `enqueue` is told. `position`: the place in the caller's array. */
export function heldValues(jobs: NewJob[], position: (job: NewJob) => number): unknown[] {
  return [
    textArray(jobs.map((job) => job.group)),
    jobs.map((job) => job.ordered ?? false),
    bigintArray(jobs.map((job) => job.seq)),
    jobs.map(position),
    floatArray(jobs.map((job) => job.commitWithinMs)),
    jobs.map((job) => job.fair ?? false),
  ];
}
