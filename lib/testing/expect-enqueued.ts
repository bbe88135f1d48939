import type { GivenOf, JobTarget, OutputOf } from '../job/job-template.js';
import type { FoundJob } from '../job/job.js';
import type { OfInstance } from './application-parts.js';
import { search, type JobSource } from './enqueued-jobs.js';
import type { ExpectedJob } from './expected-job.js';

/**
 * The first job of a queue or template that is as expected, wherever it is by now; the newest 1,000 jobs are looked through. What an open
 * transaction has enqueued is not there yet.
 * @throws Error that lists what was enqueued instead; QueueError `INVALID_NAME`, `INVALID_OPTION`, `MODULE_INVALID`.
 */
export async function expectEnqueued<Target extends JobTarget>(
  source: JobSource,
  target: Target,
  expected: ExpectedJob<GivenOf<Target>> = {},
  options: OfInstance = {},
): Promise<FoundJob<GivenOf<Target>, OutputOf<Target>>> {
  const { found, wanted, enqueued } = await search(source, target, expected, options);
  if (found[0]) return found[0];
  throw new Error(`Expected a job in ${wanted}. Enqueued:\n${enqueued}`);
}
