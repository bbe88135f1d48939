import { checkId } from '../job/names.js';
import { afterFailure, CANCELLED, DECLINED, UNSTARTED, type Outcome } from '../job/outcome.js';
import { checkedProgress, EACH_MS, jobProgress, type Progress } from '../job/progress.js';
import type { QueueEventBus } from '../observability/events.js';
import { RunReports } from '../observability/run-reports.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { isGoing, putBackOf } from '../settle/commands.js';
import { settleOne } from '../settle/settle-one.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Storage } from '../storage/storage.js';
import { ENDED, wakeUpFor } from '../storage/wake-ups/wake-up.js';
import { checkedOutputs, failureFrom } from './answers.js';
import { checkClaim, checkLeaseId, checkRetryable, type CheckedClaim } from './claim-request.js';
import type { ClaimRequest, PulledClaim, Returned } from './job-queue.js';
import { pulledJob } from './pulled-job.js';
import { PulledClaims, type PulledRows } from './pulled-claims.js';
import { pulledRun, type PulledRun } from './pulled-run.js';

interface PullingParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
}

/** Loaded when something is pulled: it has the duties of a worker, which a process that only enqueues has no use for. */
export class Pulling {
  private readonly policies: QueuePolicies;
  private readonly claims: PulledClaims;
  private readonly reports: RunReports;

  constructor(private readonly parts: PullingParts) {
    this.policies = new QueuePolicies(parts.options);
    this.claims = new PulledClaims(parts);
    this.reports = new RunReports(parts.events);
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

  /** What is cancelled ends, and what comes too late for the rate of a limit is claimed again. */
  private async claimInTime(wish: CheckedClaim): Promise<PulledRows> {
    const { claims } = this;
    for (let tries = 1; ; tries++) {
      const { rows, ...claimed } = await claims.claim(wish);
      const { leaseId, loans } = claimed;
      await this.giveBack(leaseId, rows.filter(({ cancelled }) => cancelled), CANCELLED); // prettier-ignore
      const wanted = rows.filter(({ cancelled }) => !cancelled);
      if (!claims.limited.areLate(loans, tries)) return { ...claimed, rows: wanted };
      await this.giveBack(leaseId, wanted, UNSTARTED);
      await claims.limited.returnStarts(loans);
      const failed = loans.find(({ failure }) => failure !== undefined);
      if (failed) throw failed.failure;
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
    const { claims } = this;
    this.tell(run, outcome, claims);
    await claims.limited.settled(run.queue, leaseId);
    return outcome.kind;
  }

  private tell(run: PulledRun, outcome: Outcome, claims: PulledClaims): void {
    const { signals } = this.parts.storage;
    if (isGoing(outcome)) signals.send(wakeUpFor(putBackOf(run, outcome)));
    else if (run.isOrdered || run.isKeyed || run.isStep || run.hasOutcomes)
      this.turnEnded(run, claims);
    if (isGoing(outcome) && run.isKeyed) claims.turnEnded(run);
    if (run.isOrdered && outcome.kind === 'failed') this.reports.jobDied(run);
    this.reports.settled(run, outcome);
  }

  /** Its turn is vacant, its permit free, or its workflow goes on: whoever looks next hands it on. What was told to another queue is ready there. */
  private turnEnded(run: PulledRun, claims: PulledClaims): void {
    claims.turnEnded(run);
    const { isKeyed: keyed, hasOutcomes } = run;
    this.parts.storage.signals.send({
      lanes: [],
      later: run.isOrdered || run.isStep,
      ...(keyed ? { keyed } : {}),
      ...(hasOutcomes ? ENDED : {}),
    });
  }
}
