import type { NewJob } from '../storage/enqueue.repository.js';
import type { Signal } from '../storage/signals.js';

/** Whom the new jobs of a queue wake: the lanes of those that are due, and whoever watches for later ones, or for fair queues. */
export function signalOf(jobs: readonly NewJob[]): Signal {
  const now = jobs.filter((job) => !isLater(job));
  const signal = { lanes: [...new Set(now.map((job) => job.lane.id))], later: now.length < jobs.length };
  return jobs[0]?.fair ? { ...signal, fair: true } : signal;
}

/** Decides only whom to wake; when a job is due, the database's clock says. */
const isLater = (job: NewJob): boolean => (job.delayMs ?? 0) > 0 || (job.at !== undefined && job.at.getTime() > Date.now());
