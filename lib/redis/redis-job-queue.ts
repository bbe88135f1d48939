import { Logger } from '@nestjs/common';
import { checkedJob, checkText } from '../enqueue/new-job.js';
import type { CancelCounts, Enqueued, EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import { checkId } from '../job/names.js';
import { afterFailure, DECLINED, type Outcome } from '../job/outcome.js';
import { checkedProgress, type Progress } from '../job/progress.js';
import type { Duration } from '../job/values/duration.js';
import { QueuePolicies, type QueuePolicy } from '../options/queue-policy.js';
import type { SimpleQueueOptions } from '../options/simple-queue.options.js';
import { givenUp, reaped, succeeded, type Leaving, type Settled } from '../plain/departure.js';
import { inOrder, type PlainJob } from '../plain/plain-job.js';
import { PlainListeners } from '../plain/plain-listeners.js';
import { PlainChecks, type PlainOptions } from '../plain/plain-options.js';
import { checkedOutputs, failureFrom } from '../pull/answers.js';
import { checkClaim, checkLeaseId, checkLeaseMs, checkRetryable } from '../pull/claim-request.js';
import { JobQueue } from '../pull/job-queue.js';
import type {
  ClaimRequest,
  JobQueueListener,
  LeaseRenewal,
  PulledClaim,
  ReapedLeases,
  Returned,
} from '../pull/job-queue.js';
import { Uuid7 } from '../runtime/uuid7.js';
import type { EndedRun } from '../settle/commands.js';
import { leaseExpired, leaseUnknown } from '../storage/leases/lease-errors.js';
import type { RedisClient } from './redis-client.js';
import { RedisScripts } from './redis-scripts.js';
import * as scripts from './scripts.js';
import { checkServer, readsNoScript, tooOld } from './server-check.js';
import { Signals } from './signals.js';
import * as stored from './stored-job.js';

export type { RedisClient } from './redis-client.js';

/** What every store without the tables takes, and where the jobs are. */
export interface RedisJobQueueOptions
  extends PlainOptions, Pick<SimpleQueueOptions, 'queryTimeoutMs'> {
  /** Of node-redis, connected. It stays yours: close it after the queue. */
  client: RedisClient;
  /** Begins every key, in braces; nothing else may use it. Default `simple-queue`. */
  prefix?: string;
}

/** As the statement `expire_leases` has it. */
const MAX_EXPIRED = 100;
const EXPIRED_AT_ONCE = 10;

/**
 * The pull contract on Redis 7 or Valkey, one script per call. There are no transactions, so a `manager` changes nothing; `onConflict`,
 * `ordered`, `fair`, `staged` and `maxPending` are refused. A claim also takes back what lapsed leases held: no worker of the module is needed.
 */
export class RedisJobQueue extends JobQueue {
  private readonly listeners = new PlainListeners();
  private readonly ids = new Uuid7();
  private readonly checks: PlainChecks;
  private readonly policies: QueuePolicies;
  private readonly scripts: RedisScripts;
  private readonly signals: Signals;

  private constructor({ client, prefix, ...options }: RedisJobQueueOptions) {
    super();
    this.checks = new PlainChecks(options, 'RedisJobQueue', 'Use PostgreSQL for it.');
    this.policies = new QueuePolicies(this.checks.options);
    const { queryTimeoutMs } = this.checks.options;
    this.scripts = new RedisScripts(client, prefix, queryTimeoutMs);
    this.signals = new Signals(client, this.scripts.channel, this.listeners);
  }

  /**
   * Looks at the server first, and warns in Nest's log where it keeps no append-only file.
   * @throws QueueError `INVALID_OPTION` where it is older than Redis 7, where `maxmemory-policy` is not `noeviction`, and where keys of the
   * prefix are somebody else's; `DATABASE_UNAVAILABLE`.
   */
  static async start(options: RedisJobQueueOptions): Promise<RedisJobQueue> {
    const queue = new RedisJobQueue(options);
    try {
      const [info, foreign] = await queue.scripts.run<[string, string]>(scripts.OPEN);
      checkServer(info, foreign).forEach((warning) => new Logger('SimpleQueue').warn(warning));
      return queue;
    } catch (error) {
      queue.close();
      throw readsNoScript(error as Error) ? tooOld('6 or older') : error;
    }
  }

  /** Ends its subscriptions. */
  close(): void {
    this.signals.close();
    this.scripts.close();
  }

  /** Nest calls it. */
  onApplicationShutdown(): void {
    this.close();
  }

  async enqueue(queue: string, payload: unknown, options: EnqueueOptions = {}): Promise<Enqueued> {
    const { maxPayloadBytes } = this.checks.options;
    const newId = (): string => this.ids.next();
    const job = checkedJob(queue, payload, this.checks.kept(options), { maxPayloadBytes, newId });
    const unique = job.uniqueKey === undefined ? '' : `${queue} ${job.uniqueKey}`;
    const { workflowId = '' } = options;
    const when = [Math.ceil(job.delayMs ?? 0), job.at?.getTime() ?? ''];
    const place = [stored.laneOf(job), unique, workflowId, job.priority, ...when];
    const known = await this.scripts.run<string>(
      ...[scripts.ENQUEUE, job.id, ...place, ...stored.fieldsOf(job)],
    );
    if (known === 'TOO_MANY_LANES') throw stored.tooManyLanes();
    if (known) return { id: known, created: false, outcome: 'existing' };
    this.listeners.tell({ type: 'wakeUp' });
    return { id: job.id, created: true, outcome: 'created' };
  }

  async claim(request: ClaimRequest): Promise<PulledClaim> {
    const { lapsed, ...claim } = await this.claimOnce(request);
    if (lapsed === 0) return claim;
    // Nobody else has to look. What fails now is done by the next claim: these jobs are taken.
    await this.reapExpiredLeases().catch(() => undefined);
    if (claim.jobs.length > 0) return claim;
    const { leaseId, jobs } = await this.claimOnce(request);
    return { leaseId, jobs };
  }

  async renewLease(leaseId: string, leaseMs: Duration): Promise<LeaseRenewal> {
    const [id, ms] = [checkLeaseId(leaseId), checkLeaseMs(leaseMs)];
    const [status, ...jobs] = await this.scripts.run<string[]>(scripts.RENEW, id, ms);
    if (status === 'UNKNOWN') throw leaseUnknown(id);
    if (status === 'LOST') throw leaseExpired(id, jobs);
    return { lost: [], cancelled: jobs };
  }

  async complete(leaseId: string, jobId: string, outputs?: unknown): Promise<void> {
    const text = checkedOutputs(outputs, this.checks.options.maxOutputBytes);
    await this.settle(leaseId, jobId, (job, leaving) => succeeded(job, leaving, text));
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
    const { job, leaving } = await this.held(leaseId, jobId);
    job.say(said, leaving.now);
    await this.scripts.run(scripts.PROGRESS, checkLeaseId(leaseId), job.job.id, stored.runOf(job));
  }

  async release(leaseId: string, jobId: string): Promise<Returned> {
    return this.giveUp(leaseId, jobId, () => DECLINED);
  }

  async cancel(jobId: string): Promise<CancelCounts> {
    return this.cancelThose(checkId(jobId), '');
  }

  async cancelWorkflow(workflowId: string): Promise<CancelCounts> {
    return this.cancelThose('', checkText('workflowId', workflowId, 'cancel'));
  }

  async isCancelled(jobId: string): Promise<boolean> {
    const job = await this.find(jobId);
    return job?.state === 'cancelled' || job?.cancelRequestedAt !== undefined;
  }

  async find(jobId: string): Promise<FoundJob | undefined> {
    const [now, [id, flat]] = await this.scripts.run<[number, stored.Row]>(
      scripts.FIND,
      checkId(jobId),
    );
    return flat.length === 0 ? undefined : stored.plainJob(id, stored.fieldsFrom(flat)).found(now);
  }

  async reapExpiredLeases(): Promise<ReapedLeases> {
    const reaped: ReapedLeases = { leases: 0, jobs: 0, poisoned: 0, cancelled: 0, expired: [] };
    while (reaped.leases < MAX_EXPIRED) {
      const most = Math.min(EXPIRED_AT_ONCE, MAX_EXPIRED - reaped.leases);
      const lapsed = await this.scripts.run<stored.Lapsed[]>(scripts.LAPSED, most);
      if (lapsed.length === 0) break;
      await Promise.all(lapsed.map((lease) => this.reap(lease, reaped)));
    }
    if (reaped.jobs > 0) this.listeners.tell({ type: 'wakeUp' });
    return reaped;
  }

  subscribe(listener: JobQueueListener): () => void {
    const stop = this.listeners.add(listener);
    const stopListening = this.signals.listen();
    return () => {
      stop();
      stopListening();
    };
  }

  private async claimOnce(request: ClaimRequest): Promise<PulledClaim & { lapsed: number }> {
    const wish = checkClaim(request, this.checks.options.leaseMs);
    const leaseId = this.ids.next();
    const { workerId, leaseMs, limit, suspects, queues, labels } = wish;
    const [, lapsed, ...rows] = await this.scripts.run<[number, number, ...stored.Row[]]>(
      ...[scripts.CLAIM, leaseId, workerId, leaseMs, limit, suspects],
      ...[JSON.stringify(queues), JSON.stringify([...labels])],
    );
    const jobs = rows
      .map(([id, flat]) => stored.plainJob(id, stored.fieldsFrom(flat)))
      .sort(inOrder);
    for (const job of jobs) this.listeners.tellOf(job, 'started', job.attempt + 1);
    const pulled = jobs.map((job) => job.pulled(this.policies.of(job.job.queue)));
    return { leaseId, jobs: pulled, lapsed };
  }

  private giveUp(
    leaseId: string,
    jobId: string,
    outcomeOf: (run: EndedRun) => Outcome,
  ): Promise<Returned> {
    return this.settle(leaseId, jobId, (job, leaving) => {
      const said = outcomeOf(job.ended(leaving.policy, leaving.now - leaving.takenAt));
      return givenUp(job, said, leaving);
    }) as Promise<Returned>;
  }

  /** What somebody else did to the job meanwhile is looked at again: it was asked to stop, which happens once, or has left the lease. */
  private async settle(
    leaseId: string,
    jobId: string,
    decide: (job: PlainJob, leaving: Leaving & { policy: QueuePolicy }) => Settled,
  ): Promise<Settled['as']> {
    const { job, leaving } = await this.held(leaseId, jobId);
    const policy = this.policies.of(job.job.queue);
    const settled = decide(job, { ...leaving, policy });
    const minds = settled.as !== 'succeeded';
    const departure = stored.departureOf(job, settled, { policy, minds });
    const lease = checkLeaseId(leaseId);
    const done = await this.scripts.run<string>(scripts.SETTLE, lease, ...departure);
    if (done !== 'DONE') return this.settle(leaseId, jobId, decide);
    this.listeners.tellOf(job, settled.as, settled.attempt);
    if (!settled.end) this.listeners.tell({ type: 'wakeUp' });
    return settled.as;
  }

  private async held(leaseId: string, jobId: string): Promise<{ job: PlainJob; leaving: Leaving }> {
    const [lease, id] = [checkLeaseId(leaseId), checkId(jobId)];
    const [status, now, by, facts] = await this.scripts.run<stored.Held>(scripts.HELD, lease, id);
    if (status !== 'HELD') throw stored.NOT_HELD[status](lease, id);
    const job = stored.plainJob(id, stored.factsFrom(facts[1]));
    return { job, leaving: { worker: by[0], takenAt: Number(by[1]), now } };
  }

  private async reap([leaseId, worker, held]: stored.Lapsed, total: ReapedLeases): Promise<void> {
    const jobs = held.map(([id, facts]) => stored.plainJob(id, stored.factsFrom(facts)));
    const departures = new Map(
      jobs.map((job) => [job, reaped(job, this.checks.options.maxStalls)]),
    );
    const told = [...departures].flatMap(([job, departure]) =>
      stored.departureOf(job, departure, { policy: this.policies.of(job.job.queue), minds: true }),
    );
    const gone = await this.scripts.run<string[]>(scripts.REAP, leaseId, ...told);
    if (gone.length === 0) return;
    for (const [{ job }, { end }] of departures) {
      if (!gone.includes(job.id)) continue;
      total.jobs++;
      if (end?.state === 'poisoned' || end?.state === 'cancelled') total[end.state]++;
    }
    const lease = { leaseId, worker, jobs: gone };
    total.leases++;
    total.expired.push(lease);
    this.listeners.tell({ type: 'leaseExpired', ...lease });
  }

  private async cancelThose(id: string, workflow: string): Promise<CancelCounts> {
    const keepMs = JSON.stringify(
      this.policies.byQueue('archiveKeepMs'),
      (_, ms: unknown) => ms ?? 0,
    );
    const counts = { cancelled: 0, requested: 0 };
    for (let after = '0', upto = '', found = scripts.BATCH; found === scripts.BATCH;) {
      const call = [id, workflow, after, upto, keepMs];
      const batch = await this.scripts.run<[number, number, number, string, string]>(
        ...[scripts.CANCEL, ...call],
      );
      counts.cancelled += batch[0];
      counts.requested += batch[1];
      [, , found, after, upto] = batch;
    }
    if (counts.requested > 0) this.listeners.tell({ type: 'cancelRequested' });
    return counts;
  }
}
