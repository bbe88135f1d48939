import type { CheckpointOptions } from './values/checkpoint.js';
import type { EnqueueOptions, Enqueued, InTransaction } from './enqueue-options.js';
import type { Job } from './job.js';
import type { GivenOf, JobTarget } from './job-template.js';
import type { Progress } from './progress.js';

/**
 * What a batch handler gets beside its jobs. Decorated methods can name the class.
 */
export abstract class BatchContext {
  /** Aborts when every job of the batch was aborted (timeout, cancel, a lost lease, the shutdown deadline): nobody waits for the call any more. */
  abstract readonly signal: AbortSignal;

  /** The signal of one job; `signal.reason` is as in `JobContext.signal`. What is aborted alone does not stop the others. */
  abstract signalOf(job: Job): AbortSignal;

  /**
   * Completes one job in the handler's own transaction, as `JobContext.complete` does. Call it for each job whose effect that transaction holds.
   * @throws QueueError `LEASE_LOST` when this run no longer holds the job: let it roll your transaction back.
   */
  abstract complete(job: Job, output?: unknown, options?: InTransaction): Promise<void>;

  /** Keeps how far one job has come, as `JobContext.checkpoint` does. */
  abstract checkpoint(job: Job, state: unknown, options?: CheckpointOptions): Promise<void>;

  /** Says how far one job has come, as `JobContext.progress` does. */
  abstract progress(job: Job, progress: Progress): void;

  /** `QueueService.enqueue`. */
  abstract enqueue<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options?: EnqueueOptions,
  ): Promise<Enqueued>;
}
