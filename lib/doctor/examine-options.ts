import type { JobTarget } from '../job/job-template.js';
import type { Duration } from '../job/values/duration.js';
import type { FindingCode } from './finding.js';

/** What to look at, and how long. */
export interface ExamineOptions {
  /** What to look at, by the codes of findings; default everything. */
  only?: FindingCode[];
  /** Templates of this build whose queued jobs are looked at, beside those of its handlers. */
  templates?: Exclude<JobTarget, string>[];
  /** How long each statement may take, default 5,000 ms. */
  timeoutMs?: Duration;
  /** From here on an open transaction counts as long, default 300,000 ms. */
  longTransactionMs?: Duration;
}
