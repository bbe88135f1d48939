import type { EntityManager } from 'typeorm';
import type { CheckpointOptions } from './values/checkpoint.js';
import type { EnqueueOptions, Enqueued, InTransaction } from './enqueue-options.js';
import type { GivenOf, JobTarget } from './job-template.js';
import type { Progress } from './progress.js';

/**
 * What a handler gets beside its job. Decorated methods can name the class.
 */
export abstract class JobContext {
  /**
   * Aborts on timeout, cancel, a lost lease and the shutdown deadline; `signal.reason` is a `QueueError` with the code
   * `JOB_TIMEOUT`, `JOB_CANCELLED`, `LEASE_LOST` or `SHUTDOWN`. Hand it to `fetch` and friends.
   */
  abstract readonly signal: AbortSignal;

  /**
   * The EntityManager of a `transactional: true` handler: its transaction also holds the completion.
   * @throws QueueError `HANDLER_INVALID` in any other handler.
   */
  abstract readonly manager: EntityManager;

  /**
   * Completes the job in the handler's own transaction, the given or the ambient one: the handler's writes and the completion commit together.
   * `output` may be `JobResult.success(output, { then })`, which adds steps. If this fails, or that transaction rolls back, and the handler still
   * returns, the attempt fails with `COMPLETION_ROLLED_BACK`.
   * @throws QueueError `LEASE_LOST` when this run no longer holds the job: let it roll your transaction back. `MANAGER_INACTIVE` outside a
   * transaction. `INVALID_OUTPUT` for a promise, and for a `JobResult` that is no success.
   */
  abstract complete(output?: unknown, options?: InTransaction): Promise<void>;

  /**
   * Keeps how far the job has come: its next run finds `state` in `job.checkpoint`, after a failure, a reschedule or a crash, also when it is
   * run again from the dead letter queue. At once, or in a transaction (`manager`, or the ambient one) if and only if it commits. `undefined` takes it away.
   * `extraAttempts` grants further attempts; a checkpoint alone grants none. A call costs an UPDATE: call it each few seconds, not each row.
   * @throws QueueError `LEASE_LOST` when this run no longer holds the job, `CHECKPOINT_TOO_LARGE`, `INVALID_CHECKPOINT`, `INVALID_OPTION`.
   */
  abstract checkpoint(state: unknown, options?: CheckpointOptions): Promise<void>;

  /**
   * Says how far the job has come: a share from 0 to 1, or `{ done, of, note }`. At once and without waiting: it is stored in the background,
   * outside of any transaction, at most once per second, and what was said last before the end of the run. `find` and others show it.
   * A run that lost its job stores nothing, and the database's errors fail nobody. A note is cut after 200 characters.
   * @throws QueueError `INVALID_OPTION` for what is no progress, such as NaN, or more done than there is.
   */
  abstract progress(progress: Progress): void;

  /** `QueueService.enqueue`; in a `transactional: true` handler it joins the handler's transaction by itself. */
  abstract enqueue<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options?: EnqueueOptions,
  ): Promise<Enqueued>;
}
