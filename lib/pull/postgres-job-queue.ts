import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import { checkId } from '../job/names.js';
import { Reaper } from '../maintenance/reaper.js';
import { groupBlocked } from '../observability/group-blocked.js';
import type { JobEvent, JobEvents, QueueEvents } from '../observability/events.js';
import type { QueueService } from '../queue.service.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Run } from '../storage/database.js';
import type { Lane } from '../storage/lanes.js';
import type { HeldJob } from '../storage/pull.repository.js';
import type { ClaimedRow } from '../storage/row-mapper.js';
import type { Storage } from '../storage/storage.js';
import { checkedOutputs, failureFrom } from './answers.js';
import { checkClaim, checkLeaseId, checkLeaseMs, checkListener, checkRetryable } from './claim-request.js';
import {
  JobQueue,
  type ClaimRequest,
  type JobQueueListener,
  type LeaseRenewal,
  type PulledClaim,
  type PulledJob,
  type ReapedLeases,
  type Returned,
} from './job-queue.js';
import { pulledJob } from './pulled-job.js';
import { PulledClaims } from './pulled-claims.js';
import { afterFailure, CANCELLED, RELEASED, type ReturnOutcome } from './return-outcome.js';
import { reportReturn, Settlements } from './settlements.js';
import { subscribe } from './subscription.js';

interface PostgresJobQueueParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEvents;
  queues: Pick<QueueService, 'enqueue' | 'cancel' | 'find'>;
}

/** The pull contract on the module's tables, beside its own workers: one set of jobs, one state machine. Inject it as `JobQueue`. */
export class PostgresJobQueue extends JobQueue {
  private readonly policies: QueuePolicies;
  private readonly claims: PulledClaims;
  private readonly settlements: Settlements;

  /** @internal The module makes it. */
  constructor(private readonly parts: PostgresJobQueueParts) {
    super();
    const { storage, options } = parts;
    this.policies = new QueuePolicies(options);
    this.claims = new PulledClaims(parts);
    this.settlements = new Settlements(storage.jobs, this.policies);
  }

  async enqueue(queue: string, payload: unknown, options?: EnqueueOptions): Promise<Enqueued> {
    return this.parts.queues.enqueue(queue, payload, options);
  }

  async claim(request: ClaimRequest): Promise<PulledClaim> {
    const { events, options } = this.parts;
    const { leaseId, rows, lanes } = await this.claims.claim(checkClaim(request, options.leaseMs));
    await this.giveUpCancelled(leaseId, rows);
    const wanted = rows.filter((row) => !row.cancelled);
    const jobs = wanted.map((row: ClaimedRow) => {
      const lane = lanes.get(row.lane)!;
      return pulledJob(row, lane, this.policies.of(lane.queue));
    });
    for (const job of jobs) events.emit('started', () => startOf(job));
    return { leaseId, jobs };
  }

  async renewLease(leaseId: string, leaseMs: number): Promise<LeaseRenewal> {
    return this.parts.storage.pulls.renew(checkLeaseId(leaseId), checkLeaseMs(leaseMs));
  }

  async complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void> {
    const output = checkedOutputs(outputs, this.parts.options.maxOutputBytes);
    const { held, lane } = await this.settle(leaseId, jobId, ({ queue }, held, run) =>
      this.settlements.succeed(held, queue, output, run),
    );
    if (held.options?.ordered) this.turnEnded();
    this.parts.events.emit('succeeded', () => ({ ...eventOf(held, lane), runMs: held.runMs, output: outputs }));
  }

  async fail(leaseId: string, jobId: string, error: unknown, options: { retryable?: boolean } = {}): Promise<Returned> {
    const told = { error: failureFrom(error), thrown: error, retryable: checkRetryable(options) };
    return this.giveUp(leaseId, jobId, (held, queue) => afterFailure(held, told, this.policies.of(queue)));
  }

  async release(leaseId: string, jobId: string): Promise<Returned> {
    return this.giveUp(leaseId, jobId, () => RELEASED);
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
    return new Reaper(this.parts).reap();
  }

  subscribe(listener: JobQueueListener): () => void {
    checkListener(listener);
    return subscribe(this.parts.storage.signals, this.parts.events, listener);
  }

  /** What cannot be given up now is so when it is reaped: the others, and their lease, must be lost neither with it nor while it waits. */
  private async giveUpCancelled(leaseId: string, rows: ClaimedRow[]): Promise<void> {
    try {
      for (const row of rows) if (row.cancelled) await this.giveUp(leaseId, row.id, () => CANCELLED);
    } catch {
      // As above.
    }
  }

  /** Settles a run that did not succeed, and tells who waits for the job. */
  private async giveUp(
    leaseId: string,
    jobId: string,
    outcomeOf: (held: HeldJob, queue: string) => ReturnOutcome,
  ): Promise<Returned> {
    const { storage, events } = this.parts;
    let outcome: ReturnOutcome | undefined;
    const { held, lane, answer } = await this.settle(leaseId, jobId, ({ queue }, job, run) =>
      this.settlements.settle(job, queue, (outcome = outcomeOf(job, queue)), run),
    );
    if (answer.runsIn !== undefined)
      storage.signals.send(answer.runsIn > 0 ? { lanes: [lane.id], later: true } : { lanes: [lane.id] });
    if (held.options?.ordered && answer.runsIn === undefined) this.turnEnded();
    if (held.options?.ordered && answer.as === 'failed') this.reportDeadHead(held, lane);
    reportReturn(events, { ...eventOf(held, lane), runMs: held.runMs }, outcome!, answer.as);
    return answer.as;
  }

  /** Its turn is vacant: whoever looks next hands it on. */
  private turnEnded(): void {
    this.claims.turnEnded();
    this.parts.storage.signals.send({ lanes: [], later: true });
  }

  private reportDeadHead({ id, options }: HeldJob, { queue }: Lane): void {
    const { deadHead } = this.policies.of(queue);
    if (deadHead === 'skip') return;
    this.parts.events.emit('warning', () => groupBlocked({ id, queue, group: options?.group, deadHead }));
  }

  private async settle<Answer>(
    leaseId: string,
    jobId: string,
    settle: (lane: Lane, held: HeldJob, run: Run) => Promise<Answer | undefined>,
  ): Promise<{ held: HeldJob; lane: Lane; answer: Answer }> {
    const { storage } = this.parts;
    return storage.pulls.settle(checkLeaseId(leaseId), checkId(jobId), async (held, run) => {
      const lane = await storage.lanes.byNumber(held.lane);
      const answer = await settle(lane, held, run);
      return answer === undefined ? undefined : { held, lane, answer };
    });
  }
}

const eventOf = ({ id, attempt }: HeldJob, { queue, name }: Lane): JobEvent => ({ id, queue, name, attempt: attempt + 1 });

function startOf({ id, queue, name, attempt, runAt }: PulledJob): JobEvents['started'] {
  return { id, queue, name, attempt, waitMs: Math.max(0, Date.now() - runAt.getTime()) };
}
