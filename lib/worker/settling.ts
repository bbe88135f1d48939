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
