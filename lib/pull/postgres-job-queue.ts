import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import type { Progress } from '../job/progress.js';
import type { Duration } from '../job/values/duration.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { QueueService } from '../queue.service.js';
import { later } from '../runtime/later.js';
import type { Storage } from '../storage/storage.js';
import { checkLeaseId, checkLeaseMs, checkListener } from './claim-request.js';
import {
  JobQueue,
  type ClaimRequest,
  type JobQueueListener,
  type LeaseRenewal,
  type PulledClaim,
  type ReapedLeases,
  type Returned,
} from './job-queue.js';
import type { Pulling } from './pulling.js';
import { subscribe } from './subscription.js';

interface PostgresJobQueueParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
  queues: Pick<QueueService, 'enqueue' | 'cancel' | 'find'>;
}

/** The pull contract on the module's tables, beside its own workers: one set of jobs, one state machine. Inject it as `JobQueue`. */
export class PostgresJobQueue extends JobQueue {
  private readonly pulling = later<Pulling>(
    async () => new (await import('./pulling.js')).Pulling(this.parts),
  );

  /** @internal The module makes it. */
  constructor(private readonly parts: PostgresJobQueueParts) {
    super();
  }

  async enqueue(queue: string, payload: unknown, options?: EnqueueOptions): Promise<Enqueued> {
    return this.parts.queues.enqueue(queue, payload, options);
  }

  async claim(request: ClaimRequest): Promise<PulledClaim> {
    return this.pulling.claim(request);
  }

  async renewLease(leaseId: string, leaseMs: Duration): Promise<LeaseRenewal> {
    return this.parts.storage.pulls.renew(checkLeaseId(leaseId), checkLeaseMs(leaseMs));
  }

  async complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void> {
    return this.pulling.complete(leaseId, jobId, outputs);
  }

  async fail(
    leaseId: string,
    jobId: string,
    thrown: unknown,
    options?: { retryable?: boolean },
  ): Promise<Returned> {
    return this.pulling.fail(leaseId, jobId, thrown, options);
  }

  async progress(leaseId: string, jobId: string, progress: Progress): Promise<void> {
    return this.pulling.progress(leaseId, jobId, progress);
  }

  async release(leaseId: string, jobId: string): Promise<Returned> {
    return this.pulling.release(leaseId, jobId);
  }

  async cancel(jobId: string): Promise<CancelCounts> {
    return this.parts.queues.cancel({ id: jobId });
  }

  async cancelWorkflow(workflowId: string): Promise<CancelCounts> {
    return this.parts.queues.cancel({ workflowId });
  }

  async isCancelled(jobId: string): Promise<boolean> {
    const job = await this.find(jobId);
    return job?.state === 'cancelled' || job?.cancelRequestedAt !== undefined;
  }

  async find(jobId: string): Promise<FoundJob | undefined> {
    return this.parts.queues.find(jobId);
  }

  async reapExpiredLeases(): Promise<ReapedLeases> {
    const { Reaper } = await import('../maintenance/reaper.js');
    return new Reaper(this.parts).reap();
  }

  subscribe(listener: JobQueueListener): () => void {
    checkListener(listener);
    return subscribe(this.parts.storage.signals, this.parts.events, listener);
  }
}
