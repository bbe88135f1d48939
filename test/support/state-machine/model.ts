import type { JobState, TerminalState } from '../../../lib/job/job-state.js';
import { isTerminal, MOVES } from '../../../lib/job/job-state.js';
import type { DeadHead } from '../../../lib/simple-queue.options.js';
import { ModelGroups } from './model-groups.js';

/** What the promises say of one job; no SQL, no clock. */
export interface ModelJob {
  readonly id: string;
  readonly uniqueKey?: string;
  readonly priority: number;
  /** An ordered one. */
  readonly group?: string;
  /** Given a time ahead. */
  readonly delayed: boolean;
  state: JobState;
  epoch: number;
  suspicion: number;
  stalls: number;
  attempt: number;
  reschedules: number;
  cancelRequested: boolean;
  /** Of a scheduled job: its time has come. */
  due: boolean;
  /** Of a staged job: the time for its commit is over. */
  overdue: boolean;
  checkpoint?: number;
}

/** One run of a job: a worker may still answer for it long after it has lost the job. */
export interface ModelRun {
  readonly id: string;
  readonly epoch: number;
  readonly claim: ModelClaim;
}

export interface ModelClaim {
  readonly id: string;
  readonly lease: string;
  readonly runs: ModelRun[];
}

export interface ModelWorker {
  lease: string;
}

/** A transaction of the application that is open: what it has locked others pass by, and what it does is not yet seen. */
export interface ModelTransaction {
  readonly groups: ReadonlySet<string>;
  readonly job?: ModelJob;
  commit(): void;
}

export interface ModelItem {
  priority?: number;
  uniqueKey?: string;
  delayed: boolean;
  group?: string;
  staged?: boolean;
}

export const MAX_STALLS = 2;

/** The state machine as documented: every change of state goes through `move`, which lets only the allowed ones pass. */
export class Model {
  readonly jobs = new Map<string, ModelJob>();
  /** Every run that was ever handed out. */
  readonly runs: ModelRun[] = [];
  claims: ModelClaim[] = [];
  readonly liveLeases = new Set<string>();
  transactions: ModelTransaction[] = [];
  readonly groups = new ModelGroups({ isLocked: (job) => this.isLocked(job), onTurn: (job) => this.onTurn(job) });

  /** `halted`: whether a dead head halted the queue when the job was stored. */
  add(id: string, item: ModelItem, halted = this.groups.halted): void {
    const { priority = 0, uniqueKey, delayed, group, staged } = item;
    const fresh = { epoch: 0, suspicion: 0, stalls: 0, attempt: 0, reschedules: 0 };
    const flags = { cancelRequested: false, due: false, overdue: false };
    const job: ModelJob = { id, uniqueKey, priority, group, delayed, state: 'staged', ...fresh, ...flags };
    this.jobs.set(id, job);
    this.groups.join(job, halted);
    if (!staged) this.commit(job);
  }

  /** It is no longer staged. */
  commit(job: ModelJob): void {
    if (this.groups.waits(job)) this.move(job, 'blocked');
    else this.move(job, job.delayed ? 'scheduled' : 'ready');
  }

  isLocked(job: ModelJob): boolean {
    return this.transactions.some((each) => each.job === job);
  }

  isGroupLocked(group: string | undefined): boolean {
    return group !== undefined && this.transactions.some((each) => each.groups.has(group));
  }

  get all(): ModelJob[] {
    return [...this.jobs.values()];
  }

  live(uniqueKey: string): ModelJob | undefined {
    return this.all.find((job) => job.uniqueKey === uniqueKey && !isTerminal(job.state));
  }

  /** Those that hold their job at the end, where the small numbers of commands point to. */
  get answerable(): ModelRun[] {
    return [...this.runs.filter((run) => !this.holds(run)), ...this.runs.filter((run) => this.holds(run))];
  }

  runsOf({ ordered }: { ordered: boolean }): ModelRun[] {
    return this.answerable.filter(({ id }) => (this.jobs.get(id)!.group !== undefined) === ordered);
  }

  /** What may be claimed: plain jobs, or suspects of this degree. */
  claimable(suspicion: number): ModelJob[] {
    return this.all.filter((job) => job.state === 'ready' && job.suspicion === suspicion && !this.isLocked(job));
  }

  /** I3: only the run at the job's current epoch holds it. */
  holds(run: ModelRun): boolean {
    const job = this.jobs.get(run.id)!;
    return job.state === 'running' && job.epoch === run.epoch;
  }

  claim(id: string, lease: string, ids: string[]): void {
    const claim: ModelClaim = { id, lease, runs: [] };
    for (const job of ids.map((each) => this.jobs.get(each)!)) {
      this.groups.expectInOrder(job);
      this.move(job, 'running');
      const run = { id: job.id, epoch: job.epoch, claim };
      claim.runs.push(run);
      this.runs.push(run);
    }
    if (ids.length > 0) this.claims.push(claim);
  }

  putBack(run: ModelRun, change: { spent: 0 | 1; rescheduled: 0 | 1; ran: boolean; delayed: boolean }): void {
    const job = this.jobs.get(run.id)!;
    job.attempt += change.spent;
    job.reschedules += change.rescheduled;
    if (change.ran) job.suspicion = 0;
    this.leave(job, change.delayed ? 'scheduled' : 'ready');
  }

  /** `turn`: what becomes of the turn of its group. Passed on at once by a settle, else vacant or kept by the dead job. */
  end(id: string, state: TerminalState, { spent = 0, turn = 'skip' }: { spent?: number; turn?: DeadHead | 'pass' } = {}): void {
    const job = this.jobs.get(id)!;
    job.attempt += spent;
    this.move(job, state);
    this.groups.leave(job, turn);
  }

  /** A crash, as its reaper sees it. */
  reap(deadHead: DeadHead): void {
    for (const claim of this.claims.filter(({ lease }) => !this.liveLeases.has(lease))) {
      for (const run of claim.runs) if (this.holds(run)) this.crash(this.jobs.get(run.id)!, deadHead);
      this.claims = this.claims.filter((each) => each !== claim);
    }
  }

  /** A claim whose answer was lost: its jobs never started. */
  release(claim: ModelClaim): void {
    for (const run of claim.runs) if (this.holds(run)) this.leave(this.jobs.get(run.id)!, 'ready');
    this.claims = this.claims.filter((each) => each !== claim);
  }

  move(job: ModelJob, to: JobState): void {
    if (!MOVES[job.state].includes(to)) throw new Error(`The model itself moves a job from ${job.state} to ${to}.`);
    job.state = to;
    job.due = false;
    job.overdue = false;
  }

  /** It was blocked, or is still staged. */
  private onTurn(job: ModelJob): void {
    if (job.state === 'blocked') this.commit(job);
  }

  private crash(job: ModelJob, deadHead: DeadHead): void {
    const alone = job.suspicion === 2;
    if (job.cancelRequested) return this.end(job.id, 'cancelled');
    if (alone) job.stalls++;
    if (alone && job.stalls >= MAX_STALLS) return this.end(job.id, 'poisoned', { turn: deadHead });
    job.suspicion = Math.min(2, job.suspicion + 1);
    this.leave(job, 'ready');
  }

  private leave(job: ModelJob, to: 'ready' | 'scheduled'): void {
    this.move(job, to);
    job.epoch++;
  }
}
