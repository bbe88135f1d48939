import type { GivenOf, JobTarget } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { whole } from '../runtime/rules.js';
import type { OfInstance } from './application-parts.js';
import { search, type JobSource } from './enqueued-jobs.js';
import type { ExpectedJob } from './expected-job.js';

interface MatcherResult {
  pass: boolean;
  message: () => string;
}

/** What `expect.extend(queueMatchers)` adds, for the type declarations of a test runner. All of them have to be awaited. */
export interface QueueMatchers<R = unknown> {
  /** Of an application or a RecordingQueueService: a job of this queue or template was enqueued that is as expected. */
  toHaveEnqueued<Target extends JobTarget>(
    target: Target,
    expected?: ExpectedJob<GivenOf<Target>>,
    options?: OfInstance,
  ): Promise<R>;
  /** The same, exactly so many times. */
  toHaveEnqueuedTimes<Target extends JobTarget>(
    target: Target,
    times: number,
    expected?: ExpectedJob<GivenOf<Target>>,
    options?: OfInstance,
  ): Promise<R>;
}

/** Matchers for `expect.extend` of Jest, Vitest and others that take the same shape. */
export const queueMatchers = {
  async toHaveEnqueued(
    source: JobSource,
    target: JobTarget,
    expected?: ExpectedJob,
    options?: OfInstance,
  ): Promise<MatcherResult> {
    const { found, wanted, enqueued } = await search(source, target, expected, options);
    const wrong =
      found.length > 0
        ? `Expected no job in ${wanted}, and found ${found.length}`
        : `Expected a job in ${wanted}`;
    return { pass: found.length > 0, message: () => `${wrong}. Enqueued:\n${enqueued}` };
  },

  async toHaveEnqueuedTimes(
    source: JobSource,
    target: JobTarget,
    times: number,
    ...[expected, options]: [expected?: ExpectedJob, options?: OfInstance]
  ): Promise<MatcherResult> {
    const [problem] = whole(0, 1_000)(times, 'times');
    if (problem) throw new QueueError('INVALID_OPTION', `toHaveEnqueuedTimes: ${problem}.`);
    const { found, wanted, enqueued } = await search(source, target, expected, options);
    const pass = found.length === times;
    const wrong = `Expected ${pass ? 'other than ' : ''}${times} jobs in ${wanted}, and found ${found.length}`;
    return { pass, message: () => `${wrong}. Enqueued:\n${enqueued}` };
  },
};
