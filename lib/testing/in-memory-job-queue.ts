import { checkedJob, checkText } from '../enqueue/new-job.js';
import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import type { TerminalState } from '../job/job-state.js';
import { checkId } from '../job/names.js';
import { afterFailure, CANCELLED, type Outcome } from '../job/outcome.js';
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
import { burialOf, isGoing, returnOf, type EndedRun } from '../settle/commands.js';
import type { Return } from '../storage/settle/ended-run.js';
import { QueuePolicies } from '../options/queue-policy.js';
import { resolveOptions } from '../options/resolve-options.js';
import { Uuid7 } from '../runtime/uuid7.js';
import type { ResolvedOptions, SimpleQueueOptions } from '../options/simple-queue.options.js';
import { MemoryJob } from './memory-job.js';
import { isLone, picked, suspicionAfter } from './memory-suspects.js';
import { checkKept, checkQueuesKept } from './memory-limits.js';
import { MemoryListeners } from './memory-listeners.js';
import { MemoryLeases, type MemoryLease } from './memory-leases.js';
import type { Duration } from '../job/values/duration.js';

/** Of the module's options those that mean something without a database, and a clock. */
export interface InMemoryJobQueueOptions extends Pick<
  SimpleQueueOptions,
  | 'maxAttempts'
  | 'backoff'
  | 'timeoutMs'
  | 'queues'
  | 'leaseMs'
  | 'maxStalls'
  | 'archive'
  | 'deadLetter'
  | 'maxPayloadBytes'
  | 'maxOutputBytes'
> {
  /** Milliseconds; default `Date.now`. Nothing happens by itself: what is due, or has lapsed, is found at the next call. */
  now?: () => number;
}

/**
 * The pull contract in memory: for tests, and for tools of one process that may forget everything. It passes the same contract suite as
 * the real one. There are no transactions, so a `manager` changes nothing; `onConflict`, `ordered`, `fair`, `staged` and `maxPending` are refused.
 */
export class InMemoryJobQueue extends JobQueue {
  private readonly jobs = new Map<string, MemoryJob>();
  private readonly leases = new MemoryLeases();
  private readonly listeners = new MemoryListeners();
  private readonly options: ResolvedOptions;
  private readonly policies: QueuePolicies;
  private readonly ids: Uuid7;
  private readonly now: () => number;
  private order = 0;

  constructor({ now = Date.now, ...options }: InMemoryJobQueueOptions = {}) {
    super();
    this.now = now;
    this.ids = new Uuid7(now);
    this.options = resolveOptions({ ...options, heartbeatIntervalMs: 10 }).options;
    checkQueuesKept(this.options.queues);
    this.policies = new QueuePolicies(this.options);
  }

  async enqueue(queue: string, payload: unknown, options: EnqueueOptions = {}): Promise<Enqueued> {
    const { maxPayloadBytes } = this.options;
    const job = checkedJob(queue, payload, checkKept(options), {
      maxPayloadBytes,
      newId: () => this.ids.next(),
    });
    this.forget();
    const known = this.jobs.get(job.id) ?? this.liveWith(queue, job.uniqueKey);
    if (known) return { id: known.job.id, created: false, outcome: 'existing' };
    const now = this.now();
    const due = Math.max(now, job.at?.getTime() ?? now + (job.delayMs ?? 0));
    this.jobs.set(job.id, new MemoryJob(job, now, due, this.order++));
    this.listeners.tell({ type: 'wakeUp' });
    return { id: job.id, created: true, outcome: 'created' };
  }

  async claim(request: ClaimRequest): Promise<PulledClaim> {
    const wish = checkClaim(request, this.options.leaseMs);
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
    for (const job of jobs) this.listeners.tellOf(job, 'started');
    return { leaseId, jobs: jobs.map((job) => job.pulled(this.policies.of(job.job.queue))) };
  }

  async renewLease(leaseId: string, leaseMs: Duration): Promise<LeaseRenewal> {
    const [id, ms, now] = [checkLeaseId(leaseId), checkLeaseMs(leaseMs), this.now()];
    const lease = this.leases.renew(id, now, now + ms);
    const cancelled = [...lease.jobs.values()].filter((job) => job.cancelAt !== undefined);
    return { lost: [], cancelled: cancelled.map((job) => job.job.id) };
  }

  async complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void> {
    const text = checkedOutputs(outputs, this.options.maxOutputBytes);
    const { job, lease } = this.leases.held(checkLeaseId(leaseId), checkId(jobId));
    this.end(job, 'succeeded', {
      ...this.runOf(lease),
      output: text === undefined ? undefined : JSON.parse(text),
    });
    this.listeners.tellOf(job, 'succeeded');
    job.attempt++;
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
    return this.giveUp(leaseId, jobId, () => ({
      kind: 'released',
      again: { delayMs: 0 },
      reason: 'declined',
    }));
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
    const now = this.now();
    const run = job.ended(this.policies.of(job.job.queue), now - lease.takenAt);
    const outcome = this.unlessCancelled(job, outcomeOf(run));
    const as = (job.cancelAt === undefined ? outcome.kind : 'cancelled') as Returned;
    this.listeners.tellOf(job, as);
    if (isGoing(outcome)) this.comeBack(job, returnOf({ run, outcome }, lease.worker).change, now);
    else {
      job.take(burialOf({ run, outcome }, lease.worker).verdict, now);
      this.end(job, as as TerminalState, this.runOf(lease));
    }
    return as;
  }

  /** A job that was asked to stop does not go back; a last failure is told all the same, as its own. */
  private unlessCancelled(job: MemoryJob, outcome: Outcome): Outcome {
    return job.cancelAt === undefined || outcome.kind === 'failed' ? outcome : CANCELLED;
  }

  /** A run that ended by itself clears the suspicion and its stalls; a released one keeps them. */
  private comeBack(job: MemoryJob, change: Return['change'], now: number): void {
    job.take(change, now);
    if (change.ran) job.stalls = job.suspicion = 0;
    this.putBack(job, change.delayMs ?? 0, job.suspicion);
  }

  private putBack(job: MemoryJob, delayMs: number, suspicion: number): void {
    if (job.lease !== undefined) this.leases.close(job.lease, job);
    Object.assign(job, {
      lease: undefined,
      runAt: this.now() + delayMs,
      order: this.order++,
      suspicion,
    });
    this.listeners.tell({ type: 'wakeUp' });
  }

  /** Its lease has lapsed: as a crash under it. */
  private reap(job: MemoryJob): TerminalState | undefined {
    job.lease = undefined;
    if (job.cancelAt !== undefined) return this.end(job, 'cancelled');
    const alone = isLone(job);
    if (alone || job.suspicion === 2) job.stalls++;
    if (!alone || job.stalls < this.options.maxStalls)
      return void this.putBack(job, 0, suspicionAfter(job, this.options));
    const message = `The process died ${job.stalls} times while this job was suspected of it, at last while it ran alone.`;
    job.lastError = { name: 'QueueError', code: 'JOB_POISONED', message };
    return this.end(job, 'poisoned');
  }

  private end(
    job: MemoryJob,
    state: TerminalState,
    run: Partial<MemoryJob['end']> = {},
  ): TerminalState {
    if (job.lease !== undefined) this.leases.close(job.lease, job);
    const { archiveKeepMs = 0, deadLetterKeepMs } = this.policies.of(job.job.queue);
    const keepMs =
      state === 'succeeded' || state === 'cancelled' ? archiveKeepMs : deadLetterKeepMs;
    const at = this.now();
    job.end = { ...run, state, at, until: at + keepMs };
    return state;
  }

  private cancelThose(isMeant: (job: MemoryJob) => boolean): CancelCounts {
    const live = [...this.jobs.values()].filter(
      (job) => isMeant(job) && !job.end && job.cancelAt === undefined,
    );
    const running = live.filter((job) => job.lease !== undefined);
    for (const job of live) {
      job.cancelAt = this.now();
      if (job.lease === undefined) this.end(job, 'cancelled');
    }
    if (running.length > 0) this.listeners.tell({ type: 'cancelRequested' });
    return { cancelled: live.length - running.length, requested: running.length };
  }

  private runOf({ worker, takenAt }: MemoryLease): { worker: string; runMs: number } {
    return { worker, runMs: this.now() - takenAt };
  }

  private liveWith(queue: string, uniqueKey: string | undefined): MemoryJob | undefined {
    if (uniqueKey === undefined) return undefined;
    return [...this.jobs.values()].find(
      ({ job, end }) => !end && job.queue === queue && job.uniqueKey === uniqueKey,
    );
  }

  /** What has been kept long enough. */
  private forget(): void {
    for (const [id, { end }] of this.jobs) if (end && end.until <= this.now()) this.jobs.delete(id);
  }
}
