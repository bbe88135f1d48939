import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import { checkId } from '../job/names.js';
import { afterFailure, CANCELLED, DECLINED, UNSTARTED, type Outcome } from '../job/outcome.js';
import { checkedProgress, EACH_MS, jobProgress, type Progress } from '../job/progress.js';
import type { QueueEventBus } from '../observability/events.js';
import { RunReports } from '../observability/run-reports.js';
import type { QueueService } from '../queue.service.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { delayOf, isGoing } from '../settle/commands.js';
import { settleOne } from '../settle/settle-one.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Storage } from '../storage/storage.js';
import { wakeUpFor } from '../storage/wake-ups/wake-up.js';
import { checkedOutputs, failureFrom } from './answers.js';
import {
  checkClaim,
  checkLeaseId,
  checkLeaseMs,
  checkListener,
  checkRetryable,
  type CheckedClaim,
} from './claim-request.js';
import {
  JobQueue,
  type ClaimRequest,
  type JobQueueListener,
  type LeaseRenewal,
  type PulledClaim,
  type ReapedLeases,
  type Returned,
} from './job-queue.js';
import { pulledJob } from './pulled-job.js';
import type { PulledClaims, PulledRows } from './pulled-claims.js';
import { pulledRun, type PulledRun } from './pulled-run.js';
import { subscribe } from './subscription.js';
import type { Duration } from '../job/values/duration.js';

interface PostgresJobQueueParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
  queues: Pick<QueueService, 'enqueue' | 'cancel' | 'find'>;
}

/** The pull contract on the module's tables, beside its own workers: one set of jobs, one state machine. Inject it as `JobQueue`. */
export class PostgresJobQueue extends JobQueue {
  private readonly policies: QueuePolicies;
  private claims: Promise<PulledClaims> | undefined;
  private readonly reports: RunReports;

  /** @internal The module makes it. */
  constructor(private readonly parts: PostgresJobQueueParts) {
    super();
    this.policies = new QueuePolicies(parts.options);
    this.reports = new RunReports(parts.events);
  }

  async enqueue(queue: string, payload: unknown, options?: EnqueueOptions): Promise<Enqueued> {
    return this.parts.queues.enqueue(queue, payload, options);
  }

  async claim(request: ClaimRequest): Promise<PulledClaim> {
    const wish = checkClaim(request, this.parts.options.leaseMs);
    const { leaseId, rows, lanes } = await this.claimInTime(wish);
    const startedAt = performance.now();
    const jobs = rows.map((row: ClaimedRow) => {
      const lane = lanes.get(row.lane)!;
      const job = pulledJob(row, lane, this.policies.of(lane.queue));
      this.reports.started({ ...job, laneId: row.lane, startedAt });
      return job;
    });
    return { leaseId, jobs };
  }

  async renewLease(leaseId: string, leaseMs: Duration): Promise<LeaseRenewal> {
    return this.parts.storage.pulls.renew(checkLeaseId(leaseId), checkLeaseMs(leaseMs));
  }

  async complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void> {
    const text = checkedOutputs(outputs, this.parts.options.maxOutputBytes);
    await this.settle(leaseId, jobId, () => ({ kind: 'succeeded', output: outputs }), text);
  }

  async fail(
    leaseId: string,
    jobId: string,
    thrown: unknown,
    options: { retryable?: boolean } = {},
  ): Promise<Returned> {
    const error = failureFrom(thrown);
    const isRetryable = checkRetryable(options);
    return this.giveUp(leaseId, jobId, (run) =>
      isRetryable ? afterFailure(error, run, thrown) : { kind: 'failed', error },
    );
  }

  async progress(leaseId: string, jobId: string, progress: Progress): Promise<void> {
    const said = checkedProgress(progress);
    const { database, pulls, lanes, progress: repository } = this.parts.storage;
    const { id, epoch, lane, attempt } = await pulls.held(checkLeaseId(leaseId), checkId(jobId));
    const kept = await repository.save(
      database.settlers.run,
      [{ id, epoch, progress: said }],
      EACH_MS,
    );
    const stored = kept.get(id);
    if (!stored) return;
    const { queue, name } = await lanes.byNumber(lane);
    this.reports.progressed({ id, queue, name, attempt: attempt + 1 }, jobProgress(stored));
  }

  async release(leaseId: string, jobId: string): Promise<Returned> {
    return this.giveUp(leaseId, jobId, () => DECLINED);
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

  /** What is cancelled ends, and what comes too late for the rate of a limit is claimed again. */
  private async claimInTime(wish: CheckedClaim): Promise<PulledRows> {
    const claims = await this.pulled();
    for (let tries = 1; ; tries++) {
      const { rows, ...claimed } = await claims.claim(wish);
      const { leaseId, loans } = claimed;
      await this.giveBack(leaseId, rows.filter(({ cancelled }) => cancelled), CANCELLED); // prettier-ignore
      const wanted = rows.filter(({ cancelled }) => !cancelled);
      if (!claims.limited.areLate(loans, tries)) return { ...claimed, rows: wanted };
      await this.giveBack(leaseId, wanted, UNSTARTED);
      await claims.limited.returnStarts(loans);
    }
  }

  /** What cannot be given up now is so when it is reaped: the others, and their lease, must be lost neither with it nor while it waits. */
  private async giveBack(leaseId: string, rows: ClaimedRow[], outcome: Outcome): Promise<void> {
    try {
      for (const { id } of rows) await this.giveUp(leaseId, id, () => outcome);
    } catch {
      // As above.
    }
  }

  private async giveUp(
    leaseId: string,
    jobId: string,
    outcomeOf: (run: PulledRun) => Outcome,
  ): Promise<Returned> {
    return (await this.settle(leaseId, jobId, outcomeOf)) as Returned;
  }

  /** Settles a run by the commands of a worker, in the transaction that has locked its lease, and notifies whoever waits for the job. */
  private async settle(
    leaseId: string,
    jobId: string,
    outcomeOf: (run: PulledRun) => Outcome,
    output?: string,
  ): Promise<Outcome['kind']> {
    const { settlements, lanes, pulls } = this.parts.storage;
    const { run, outcome } = await pulls.settle(
      checkLeaseId(leaseId),
      checkId(jobId),
      async (held, within) => {
        const pulled = pulledRun(held, await lanes.byNumber(held.lane), this.policies);
        const ended = { run: pulled, outcome: outcomeOf(pulled) };
        const settled = await settleOne(ended, {
          settlements,
          within,
          worker: held.worker,
          output,
        });
        return settled && { run: pulled, outcome: settled };
      },
    );
    const claims = await this.pulled();
    await claims.limited.settled(run.queue, leaseId);
    this.tell(run, outcome, claims);
    return outcome.kind;
  }

  /** Loaded when something is pulled: it has the duties of a worker, which a process that only enqueues has no use for. */
  private pulled(): Promise<PulledClaims> {
    const load = async () => new (await import('./pulled-claims.js')).PulledClaims(this.parts);
    return (this.claims ??= load());
  }

  private tell(run: PulledRun, outcome: Outcome, claims: PulledClaims): void {
    const { signals } = this.parts.storage;
    if (isGoing(outcome))
      signals.send(
        wakeUpFor([
          {
            lane: run.laneId,
            later: delayOf(outcome.again) > 0,
            fair: run.isFair,
            keyed: run.isKeyed,
          },
        ]),
      );
    else if (run.isOrdered || run.isKeyed || run.hasOutcomes) this.turnEnded(run, claims);
    if (isGoing(outcome) && run.isKeyed) claims.turnEnded(run);
    if (run.isOrdered && outcome.kind === 'failed') this.reports.jobDied(run);
    this.reports.settled(run, outcome);
  }

  /** Its turn is vacant, or its permit free: whoever looks next hands it on. What was told to another queue is ready there. */
  private turnEnded(run: PulledRun, claims: PulledClaims): void {
    claims.turnEnded(run);
    const keyed = run.isKeyed ? { keyed: true } : {};
    this.parts.storage.signals.send({
      lanes: [],
      later: run.isOrdered || run.hasOutcomes === true,
      ...keyed,
    });
  }
}
