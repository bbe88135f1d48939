import type { NewJob } from '../storage/enqueue.repository.js';
import type { Signal } from '../storage/signals.js';

/** Whom the new jobs wake: the lanes of those that are due, and whoever watches for later ones. */
export function signalOf(jobs: readonly NewJob[]): Signal {
  const now = jobs.filter((job) => !isLater(job));
  return { lanes: [...new Set(now.map((job) => job.lane.id))], later: now.length < jobs.length };
}

/** Decides only whom to wake; when a job is due, the database's clock says. */
const isLater = (job: NewJob): boolean => (job.delayMs ?? 0) > 0 || (job.at !== undefined && job.at.getTime() > Date.now());
