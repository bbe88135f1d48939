import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob, JobFacts } from '../job/job.js';
import type { Progress } from '../job/progress.js';
import type { ExpiredLease } from '../observability/events.js';
import type { Duration } from '../job/values/duration.js';

/** What a worker asks for. */
export interface ClaimRequest {
  /**
   * Names the worker in leases, history and log; 1 to 200 characters. Give each start of a process a name of its own (`host:pid`):
   * what is suspected of killing processes runs while its worker holds nothing else.
   */
  workerId: string;
  /** Queues by name or prefix (`mail.*`); `['*']` for all. */
  queues: string[];
  /** What the worker has: it gets jobs whose labels are all among these. Default none. */
  labels?: string[];
  /** How long it holds the jobs without a word, 100 milliseconds to a day, default the module's `leaseMs` (15,000). */
  leaseMs?: Duration;
  /** Jobs at most, 1 (default) to 100. */
  limit?: number;
}

/** A claimed job. `attempt` counts this run, 1 for the first. */
export interface PulledJob<Payload = unknown> extends JobFacts {
  payload: Payload;
  maxAttempts: number;
  /** How long a run may take, where somebody said so; keeping to it is the worker's own business. */
  timeoutMs?: number;
}

/** What a claim brought. Without jobs the lease does not exist. */
export interface PulledClaim {
  leaseId: string;
  jobs: PulledJob[];
}

/** What a renewal reports: stop working on all of these. */
export interface LeaseRenewal {
  /** Held no longer, although the lease is: somebody took them from under it. */
  lost: string[];
  /** Asked to stop; still held. `fail` or `release` ends them as cancelled, and a success that comes first still counts. */
  cancelled: string[];
}

/** What became of a job by `fail` or `release`. */
export type Returned = 'retried' | 'failed' | 'cancelled' | 'released';

/** What one reap gave back. */
export interface ReapedLeases {
  /** At most 100 a call; those of worker processes count as well. */
  leases: number;
  jobs: number;
  poisoned: number;
  cancelled: number;
  /** Each lease of a claim that expired, as subscribers hear it. */
  expired: ExpiredLease[];
}

/** What happens to a job, as subscribers hear it. */
export type JobQueueEventType =
  'started' | 'succeeded' | 'retried' | 'released' | 'failed' | 'cancelled';

/** What a subscription hears: hints, and what happens to jobs. */
export type JobQueueEvent =
  /** There may be something to claim. */
  | { type: 'wakeUp' }
  /** A running job may have been asked to stop: renew to learn which. */
  | { type: 'cancelRequested' }
  /** A lease was not renewed in time and has been reaped. */
  | ({ type: 'leaseExpired' } & ExpiredLease)
  | { type: JobQueueEventType; id: string; queue: string; name: string; attempt: number };

/** Hears a subscription's events. */
export type JobQueueListener = (event: JobQueueEvent) => unknown;

/**
 * The pull contract: jobs for workers that are no Nest handlers (another language, an HTTP edge, a CI agent). A claim takes jobs under
 * a lease of its own; the worker renews it while it works, and settles each job by `complete`, `fail` or `release`.
 *
 * Only the run that a job was claimed for settles it. Once a lease has lapsed and was reaped, `complete` and `fail` throw `LEASE_LOST` and
 * change nothing; `LEASE_FOREIGN` where the lease never held the job, or has settled it; `LEASE_UNKNOWN` where there is no such lease.
 */
export abstract class JobQueue {
  /** Stores a job, as `QueueService.enqueue`. */
  abstract enqueue(queue: string, payload: unknown, options?: EnqueueOptions): Promise<Enqueued>;

  /** Takes jobs that may run now, or none. @throws QueueError `INVALID_OPTION`, `INVALID_NAME`. */
  abstract claim(request: ClaimRequest): Promise<PulledClaim>;

  /**
   * The lease holds for `leaseMs` from now.
   * @throws QueueError `LEASE_LOST` where its time is over, reaped or not: all its jobs are lost; `LEASE_UNKNOWN`.
   */
  abstract renewLease(leaseId: string, leaseMs: Duration): Promise<LeaseRenewal>;

  /**
   * The job has succeeded; its outputs are kept with it.
   * @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN`, `LEASE_UNKNOWN`; `INVALID_OUTPUT`, `OUTPUT_TOO_LARGE` beyond `maxOutputBytes`. The
   * job is still held then.
   */
  abstract complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void>;

  /**
   * The run has failed: retried by the job's backoff while attempts last, unless `retryable` is false. Returns what became of it.
   * @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN`, `LEASE_UNKNOWN`.
   */
  abstract fail(
    leaseId: string,
    jobId: string,
    error: unknown,
    options?: { retryable?: boolean },
  ): Promise<Returned>;

  /**
   * Says how far the job has come, for `find`, waiters and people. More than once per second is not stored, unless it says that all is done.
   * @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN`, `LEASE_UNKNOWN`; `INVALID_OPTION` for what is no progress.
   */
  abstract progress(leaseId: string, jobId: string, progress: Progress): Promise<void>;

  /** Gives the job back without spending its attempt. @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN`, `LEASE_UNKNOWN`. */
  abstract release(leaseId: string, jobId: string): Promise<Returned>;

  /** What waits ends at once, what runs is asked to stop, what has ended is left alone. */
  abstract cancel(jobId: string): Promise<CancelCounts>;

  /** Cancels every live job of a workflow; none of them runs again. Jobs that are enqueued for it later are new ones. */
  abstract cancelWorkflow(workflowId: string): Promise<CancelCounts>;

  /** Was it cancelled, or asked to stop? False where it succeeded first, and for a job that is not kept. */
  abstract isCancelled(jobId: string): Promise<boolean>;

  /** The job wherever it is, with its outputs; undefined when it is unknown or no longer kept. */
  abstract find(jobId: string): Promise<FoundJob | undefined>;

  /** Takes back what lapsed leases held, now rather than with the next round of a worker's reaper. While 100 `leases` are returned, there may be more. */
  abstract reapExpiredLeases(): Promise<ReapedLeases>;

  /**
   * Calls `listener` with hints and events until the answer is called. A hint may come late, twice or not at all: poll as well. Wake-ups and
   * cancels are heard from every process (with `wakeUp: 'listen'`, again by itself after the connection was lost), what happens to jobs
   * and leases only from this one. A listener that throws harms nobody.
   */
  abstract subscribe(listener: JobQueueListener): () => void;
}
