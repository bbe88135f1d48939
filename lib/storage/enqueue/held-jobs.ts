import { bigintArray, floatArray, textArray } from '../connection/binary-array.js';
import type { Held, NewJob } from '../../job/new-job.js';

export const isHeld = (job: Held): boolean =>
  job.group !== undefined || job.commitWithinMs !== undefined || job.limitKey !== undefined;

/** What `enqueue_held` is given beside what `enqueue` is given. `position`: the place in the caller's array. */
export function heldValues(jobs: NewJob[], position: (job: NewJob) => number): unknown[] {
  return [
    textArray(jobs.map((job) => job.group)),
    jobs.map((job) => job.ordered ?? false),
    bigintArray(jobs.map((job) => job.seq)),
    jobs.map(position),
    floatArray(jobs.map((job) => job.commitWithinMs)),
    jobs.map((job) => job.fair ?? false),
    textArray(jobs.map((job) => job.limitKey)),
  ];
}
