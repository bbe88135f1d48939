import type { JobEnd, WaitTime } from '../job/job-end.js';
import { isThenable } from '../job/kinds.js';
import { jobProgress, type StoredProgress } from '../job/progress.js';
import { QueueError } from '../job/queue.errors.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/** How long to wait, checked. */
export type CheckedTime = Pick<WaitTime, 'signal' | 'onProgress'> & { timeoutMs?: number };

/** One caller who waits for the end of a job: until it comes, the time is over, or the caller has lost interest. */
export class Waiter {
  readonly over: Promise<JobEnd>;
  end!: (end: JobEnd) => void;
  fail!: (error: QueueError) => void;
  private readonly timer: NodeJS.Timeout;
  private readonly onAbort = () => this.fail(aborted(this.id, this.signal!));
  private readonly signal: AbortSignal | undefined;
  private readonly onProgress: CheckedTime['onProgress'];
  private heardAt = '';

  constructor(
    private readonly id: string,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal, onProgress }: CheckedTime,
  ) {
    this.onProgress = onProgress;
    this.over = new Promise((resolve, reject) =>
      Object.assign(this, { end: resolve, fail: reject }),
    );
    this.timer = setTimeout(() => this.fail(timedOut(id, timeoutMs)), timeoutMs);
    this.signal = signal;
    // It may have aborted while the job was being stored.
    if (signal?.aborted) this.onAbort();
    else signal?.addEventListener('abort', this.onAbort, { once: true });
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

  leave(): void {
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.onAbort);
  }
}

function aborted(id: string, { reason: cause }: AbortSignal): QueueError {
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

function timedOut(id: string, timeoutMs: number): QueueError {
  return new QueueError(
    'WAIT_TIMEOUT',
    `Job ${id} has not ended within ${timeoutMs} ms. It continues: wait for it again, or look at it with find(id).`,
  );
}
