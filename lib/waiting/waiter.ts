import type { JobEnd, WaitTime } from '../job/job-end.js';
import { isThenable } from '../job/kinds.js';
import { jobProgress, type StoredProgress } from '../job/progress.js';
import { QueueError } from '../job/queue.errors.js';
import type { Bound } from '../runtime/bounded.js';

/** How long to wait, checked. */
export type CheckedTime = Pick<WaitTime, 'onProgress'> & Bound;

/** One caller who waits for the end of a job. */
export class Waiter {
  readonly since = performance.now();
  readonly over: Promise<JobEnd>;
  end!: (end: JobEnd) => void;
  fail!: (error: QueueError) => void;
  private heardAt = '';

  constructor(private readonly onProgress: CheckedTime['onProgress']) {
    this.over = new Promise((resolve, reject) =>
      Object.assign(this, { end: resolve, fail: reject }),
    );
  }

  /** Calls back with what is new. What the caller throws is for `complain`: others wait for the same look. */
  hear(progress: StoredProgress, complain: (error: unknown) => void): void {
    if (!this.onProgress || progress.at === this.heardAt) return;
    this.heardAt = progress.at;
    try {
      const answer = this.onProgress(jobProgress(progress));
      if (isThenable(answer)) Promise.resolve(answer).catch(complain);
    } catch (error) {
      complain(error);
    }
  }
}

export function aborted(id: string, cause: unknown): QueueError {
  const message = `Waiting for job ${id} was aborted by its signal. The job continues; cancel it if nobody wants it.`;
  return new QueueError('WAIT_ABORTED', message, { cause });
}

export function abortedBefore({ reason: cause }: AbortSignal): QueueError {
  return new QueueError(
    'WAIT_ABORTED',
    'The signal of enqueueAndWait had aborted before the call. Nothing was enqueued.',
    {
      cause,
    },
  );
}

export function timedOut(id: string, timeoutMs: number): QueueError {
  return new QueueError(
    'WAIT_TIMEOUT',
    `Job ${id} has not ended within ${timeoutMs} ms. It continues: wait for it again, or look at it with find(id).`,
  );
}

/** Of a job whose insert was not acknowledged; without an id it had not left yet, and will not. */
export function unstored(
  code: 'DATABASE_UNAVAILABLE' | 'WAIT_ABORTED',
  id: string | undefined,
  cause?: unknown,
): QueueError {
  const what =
    id === undefined
      ? 'Nothing was enqueued'
      : `Whether job ${id} is stored is unknown: find(id) says so later, and with an \`id\` the call may be repeated`;
  const message = `enqueueAndWait was over before the database had acknowledged the job. ${what}.`;
  return new QueueError(code, message, { cause });
}
