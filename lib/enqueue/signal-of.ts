import type { NewJob } from '../job/new-job.js';
import type { Signal } from '../storage/wake-ups/signals.js';
import { wakeUpFor } from '../storage/wake-ups/wake-up.js';

/** Whom new jobs wake. */
export const signalOf = (jobs: readonly NewJob[]): Signal =>
  wakeUpFor(
    jobs.map((job) => ({
      lane: job.lane.id,
      later: isLater(job),
      fair: job.fair,
      keyed: job.limitKey !== undefined,
    })),
  );

/** Decides only whom to wake; when a job is due, or expires, the database's clock says. */
const isLater = (job: NewJob): boolean =>
  job.dependsOn !== undefined ||
  job.commitWithinMs !== undefined ||
  (job.delayMs ?? 0) > 0 ||
  (job.at !== undefined && job.at.getTime() > Date.now());
