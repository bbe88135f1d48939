import type { Outcome } from '../job/outcome.js';
import type { JobRun } from './job-run.js';

/** A run on its way to the database, and what has become of it. */
export interface Settling {
  run: JobRun;
  outcome: Outcome;
  /** What could not be stored of the outcome was left out already. */
  plain?: boolean;
  /** Somebody held the job locked when it was last looked at. */
  locked?: boolean;
}

/**
 * One run of a job: a process that lost a job may run it again, and both runs may end at once. Statements are told and answer by id, so
 * the others leave with a later one. First runs (epoch 0) cannot meet, and most batches hold nothing else.
 */
export function oneRunAJob(settling: Settling[]): { latest: Settling[]; stale: Settling[] } {
  if (!settling.some(({ run }) => run.epoch > 0)) return { latest: settling, stale: [] };
  const epochs = new Map<string, number>();
  for (const { run } of settling) epochs.set(run.id, Math.max(run.epoch, epochs.get(run.id) ?? 0));
  const isLatest = ({ run }: Settling): boolean => epochs.get(run.id) === run.epoch;
  if (epochs.size === settling.length) return { latest: settling, stale: [] };
  return { latest: settling.filter(isLatest), stale: settling.filter((entry) => !isLatest(entry)) };
}
