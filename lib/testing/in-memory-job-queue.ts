import { checkedJob, checkText } from '../enqueue/new-job.js';
import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import type { TerminalState } from '../job/job-state.js';
import { checkId } from '../job/names.js';
import { afterFailure, DECLINED, type Outcome } from '../job/outcome.js';
import { checkedProgress, type Progress } from '../job/progress.js';
import { serves } from '../job/lane.js';
import { checkedOutputs, failureFrom } from '../pull/answers.js';
import { checkClaim, checkLeaseId, checkLeaseMs, checkRetryable } from '../pull/claim-request.js';
import { JobQueue, type ClaimRequest } from '../pull/job-queue.js';
import type {
  JobQueueListener,
  LeaseRenewal,
  PulledClaim,
  ReapedLeases,
  Returned,
} from '../pull/job-queue.js';
import type { EndedRun } from '../settle/commands.js';
import { QueuePolicies } from '../options/queue-policy.js';
import { Uuid7 } from '../runtime/uuid7.js';
import {
  givenUp,
  keptMs,
  reaped,
  succeeded,
  type Departure,
  type Settled,
} from '../plain/departure.js';
import { PlainJob, type Ending } from '../plain/plain-job.js';
import { PlainChecks, type PlainOptions } from '../plain/plain-options.js';
import { picked } from '../plain/suspects.js';
import { PlainListeners } from '../plain/plain-listeners.js';
import { MemoryLeases } from './memory-leases.js';
import type { Duration } from '../job/values/duration.js';

const ADVICE = 'Test what needs it on PostgreSQL, with SimpleQueueTestingModule.';

/** What every store without the tables takes, and a clock. */
export interface InMemoryJobQueueOptions extends PlainOptions {
  /** Milliseconds; default `Date.now`. Nothing happens by itself: what is due, or has lapsed, is found at the next call. */
  now?: () => number;
}

/**
 * The pull contract in memory: for tests, and for tools of one process that may forget everything. It passes the same contract suite as
 * the real one. There are no transactions, so a `manager` changes nothing; `onConflict`, `ordered`, `fair`, `staged` and `maxPending` are refused.
 */
export class InMemoryJobQueue extends JobQueue {
  private readonly jobs = new Map<string, PlainJob>();
  private readonly leases = new MemoryLeases();
  private readonly listeners = new PlainListeners();
  private readonly checks: PlainChecks;
  /** Until when those that ended are kept. */
  private readonly until = new Map<string, number>();
  private readonly policies: QueuePolicies;
  private readonly ids: Uuid7;
  private readonly now: () => number;
  private order = 0;

  constructor({ now = Date.now, ...options }: InMemoryJobQueueOptions = {}) {
    super();
    this.now = now;
    this.ids = new Uuid7(now);
    this.checks = new PlainChecks(options, 'InMemoryJobQueue', ADVICE);
    this.policies = new QueuePolicies(this.checks.options);
  }

  async enqueue(queue: string, payload: unknown, options: EnqueueOptions = {}): Promise<Enqueued> {
    const { maxPayloadBytes } = this.checks.options;
    const job = checkedJob(queue, payload, this.checks.kept(options), {
      maxPayloadBytes,
      newId: () => this.ids.next(),
    });
    this.forget();
    const known = this.jobs.get(job.id) ?? this.liveWith(queue, job.uniqueKey);
    if (known) return { id: known.job.id, created: false, outcome: 'existing' };
    const now = this.now();
    const due = Math.max(now, job.at?.getTime() ?? now + (job.delayMs ?? 0));
    this.jobs.set(job.id, new PlainJob(job, now, due, this.order++));
    this.listeners.tell({ type: 'wakeUp' });
    return { id: job.id, created: true, outcome: 'created' };
  }

  async claim(request: ClaimRequest): Promise<PulledClaim> {
    const wish = checkClaim(request, this.checks.options.leaseMs);
    const [now, leaseId] = [this.now(), this.ids.next()];
    const served = [...this.jobs.values()].filter(
      (job) => job.isHungry(now) && serves(wish, job.job),
    );
    const jobs = picked(wish, served, { own: this.leases.heldBy(wish.workerId, now), now });
    if (jobs.length === 0) return { leaseId, jobs: [] };
    const held = new Map(jobs.map((job) => [job.job.id, job]));
    this.leases.take(leaseId, {
      worker: wish.workerId,
      takenAt: now,
      expiresAt: now + wish.leaseMs,
      jobs: held,
    });
    for (const job of jobs) this.listeners.tellOf(job, 'started', job.attempt + 1);
    return { leaseId, jobs: jobs.map((job) => job.pulled(this.policies.of(job.job.queue))) };
  }

  async renewLease(leaseId: string, leaseMs: Duration): Promise<LeaseRenewal> {
    const [id, ms, now] = [checkLeaseId(leaseId), checkLeaseMs(leaseMs), this.now()];
    const lease = this.leases.renew(id, now, now + ms);
    const cancelled = [...lease.jobs.values()].filter((job) => job.cancelAt !== undefined);
    return { lost: [], cancelled: cancelled.map((job) => job.job.id) };
  }

  async complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void> {
    const text = checkedOutputs(outputs, this.checks.options.maxOutputBytes);
    const { job, lease } = this.leases.held(checkLeaseId(leaseId), checkId(jobId));
    this.depart(job, succeeded(job, { ...lease, now: this.now() }, text));
  }

  async fail(
    leaseId: string,
    jobId: string,
    error: unknown,
    options: { retryable?: boolean } = {},
  ): Promise<Returned> {
    const failure = failureFrom(error);
    const isRetryable = checkRetryable(options);
    return this.giveUp(leaseId, jobId, (run) =>
      isRetryable ? afterFailure(failure, run, error) : { kind: 'failed', error: failure },
    );
  }

  async progress(leaseId: string, jobId: string, progress: Progress): Promise<void> {
    const said = checkedProgress(progress);
    this.leases.held(checkLeaseId(leaseId), checkId(jobId)).job.say(said, this.now());
  }

  async release(leaseId: string, jobId: string): Promise<Returned> {
    return this.giveUp(leaseId, jobId, () => DECLINED);
  }

  async cancel(jobId: string): Promise<CancelCounts> {
    const id = checkId(jobId);
    return this.cancelThose((job) => job.job.id === id);
  }

  async cancelWorkflow(workflowId: string): Promise<CancelCounts> {
    checkText('workflowId', workflowId, 'cancel');
    return this.cancelThose((job) => job.options.workflowId === workflowId);
  }

  async isCancelled(jobId: string): Promise<boolean> {
    const job = await this.find(jobId);
    return job?.state === 'cancelled' || job?.cancelRequestedAt !== undefined;
  }

  async find(jobId: string): Promise<FoundJob | undefined> {
    this.forget();
    return this.jobs.get(checkId(jobId))?.found(this.now());
  }

  async reapExpiredLeases(): Promise<ReapedLeases> {
    const { expired, held } = this.leases.expire(this.now());
    const ends = held.map((job) => this.reap(job));
    for (const lease of expired) this.listeners.tell({ type: 'leaseExpired', ...lease });
    if (held.length > 0) this.listeners.tell({ type: 'wakeUp' });
    const count = (state: TerminalState): number => ends.filter((end) => end === state).length;
    return {
      leases: expired.length,
      jobs: held.length,
      poisoned: count('poisoned'),
      cancelled: count('cancelled'),
      expired,
    };
  }

  subscribe(listener: JobQueueListener): () => void {
    return this.listeners.add(listener);
  }

  private giveUp(leaseId: string, jobId: string, outcomeOf: (run: EndedRun) => Outcome): Returned {
    const { job, lease } = this.leases.held(checkLeaseId(leaseId), checkId(jobId));
    const [now, policy] = [this.now(), this.policies.of(job.job.queue)];
    const said = outcomeOf(job.ended(policy, now - lease.takenAt));
    return this.depart(job, givenUp(job, said, { ...lease, now, policy })) as Returned;
  }

  private depart(job: PlainJob, settled: Settled): Settled['as'] {
    this.listeners.tellOf(job, settled.as, settled.attempt);
    this.leave(job, settled);
    return settled.as;
  }

  private leave(job: PlainJob, { end, delayMs = 0 }: Departure): void {
    if (end) return this.end(job, end);
    if (job.lease !== undefined) this.leases.close(job.lease, job);
    Object.assign(job, { lease: undefined, runAt: this.now() + delayMs, order: this.order++ });
    this.listeners.tell({ type: 'wakeUp' });
  }

  private reap(job: PlainJob): TerminalState | undefined {
    job.lease = undefined;
    const departure = reaped(job, this.checks.options.maxStalls);
    this.leave(job, departure);
    return departure.end?.state;
  }

  private end(job: PlainJob, end: Ending): void {
    if (job.lease !== undefined) this.leases.close(job.lease, job);
    const at = this.now();
    job.end = { ...end, at };
    this.until.set(job.job.id, at + keptMs(this.policies.of(job.job.queue), end.state));
  }

  private cancelThose(isMeant: (job: PlainJob) => boolean): CancelCounts {
    const live = [...this.jobs.values()].filter(
      (job) => isMeant(job) && !job.end && job.cancelAt === undefined,
    );
    const running = live.filter((job) => job.lease !== undefined);
    for (const job of live) {
      job.cancelAt = this.now();
      if (job.lease === undefined) this.end(job, { state: 'cancelled' });
    }
    if (running.length > 0) this.listeners.tell({ type: 'cancelRequested' });
    return { cancelled: live.length - running.length, requested: running.length };
  }

  private liveWith(queue: string, uniqueKey: string | undefined): PlainJob | undefined {
    if (uniqueKey === undefined) return undefined;
    return [...this.jobs.values()].find(
      ({ job, end }) => !end && job.queue === queue && job.uniqueKey === uniqueKey,
    );
  }

  /** What has been kept long enough. */
  private forget(): void {
    for (const [id, until] of this.until)
      if (until <= this.now()) {
        this.until.delete(id);
        this.jobs.delete(id);
      }
  }
}
