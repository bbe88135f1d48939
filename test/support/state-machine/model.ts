import type { JobState, TerminalState } from '../../../lib/job/job-state.js';
import { isTerminal, MOVES } from '../../../lib/job/job-state.js';
import type { OnDeadJob } from '../../../lib/job/job-state.js';
import { ModelGroups } from './model-groups.js';

/** What the promises say of one job; no SQL, no clock. */
export interface ModelJob {
  readonly id: string;
  readonly uniqueKey?: string;
  lane: ModelLane;
  tag?: string;
  priority: number;
  /** An ordered one. */
  readonly group?: string;
  /** Its group in the fair queue; empty for none. */
  readonly fair?: string;
  /** The key of its limit. */
  tenant?: string;
  /** Of its key. */
  permit: boolean;
  /** Given a time ahead. */
  delayed: boolean;
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
  /** When it ended, in steps. */
  ended: number;
}

/** `plain` and `labelled` are of one queue. */
export type ModelLane = 'plain' | 'labelled' | 'fair';

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
  /** Of a worker outside. */
  readonly pulled?: ModelPulled;
}

export interface ModelPulled {
  readonly worker: string;
  /** What it has not settled. */
  readonly open: Set<string>;
  /** Its time is over, and no reaper has come yet. */
  lapsed: boolean;
  /** It was reaped, and had these. */
  had?: ReadonlySet<string>;
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
  fair?: string;
  labelled?: boolean;
  tag?: string;
  tenant?: string;
}

export const MAX_STALLS = 2;

export const kindOf = ({ suspicion }: ModelJob): 0 | 'apart' | 'lone' =>
  suspicion === 0 ? 0 : suspicion < 3 ? 'apart' : 'lone';
/** Others have not come beside it. */
export const isLone = ({ suspicion }: ModelJob): boolean => suspicion > 2 && suspicion % 2 === 1;

/** The state machine as documented: every change of state goes through `move`, which lets only the allowed ones pass. */
export class Model {
  readonly jobs = new Map<string, ModelJob>();
  /** Every run that was ever handed out. */
  readonly runs: ModelRun[] = [];
  claims: ModelClaim[] = [];
  readonly liveLeases = new Set<string>();
  /** Those of workers outside, also when they are over. */
  readonly pulled: (ModelClaim & { pulled: ModelPulled })[] = [];
  transactions: ModelTransaction[] = [];
  /** Of throttled keys: the job that opened the period. */
  readonly periods = new Map<string, string>();
  readonly paused = new Set<boolean>();
  /** Permits of a limit across the fleet, by lease, and the starts of its hour. */
  readonly shares = new Map<string, number>();
  started = 0;
  steps = 0;
  readonly groups = new ModelGroups({
    isLocked: (job) => this.isLocked(job),
    onTurn: (job) => this.onTurn(job),
  });

  /** `halted`: whether a dead job halted the queue when the job was stored. */
  add(id: string, item: ModelItem, halted = this.groups.halted): void {
    const { priority = 0, uniqueKey, delayed, group, staged, fair, tag, tenant } = item;
    const lane = fair !== undefined ? 'fair' : item.labelled ? 'labelled' : 'plain';
    const fresh = { epoch: 0, suspicion: 0, stalls: 0, attempt: 0, reschedules: 0, ended: 0 };
    const flags = { cancelRequested: false, due: false, overdue: false, permit: false };
    const job: ModelJob = {
      id,
      uniqueKey,
      lane,
      tag,
      priority,
      group,
      fair,
      tenant,
      delayed,
      state: 'staged',
      ...fresh,
      ...flags,
    };
    this.jobs.set(id, job);
    this.groups.join(job, halted);
    if (!staged) this.commit(job);
  }

  get shared(): number {
    return [...this.shares.values()].reduce((sum, n) => sum + n, 0);
  }

  /** Somebody has emptied all tables. */
  empty(): void {
    const all = [this.jobs, this.liveLeases, this.periods, this.paused, this.shares, this.groups];
    for (const each of all) each.clear();
    this.runs.length = this.pulled.length = this.claims.length = this.started = 0;
  }

  /** It is no longer staged. */
  commit(job: ModelJob): void {
    if (this.groups.waits(job)) this.move(job, 'blocked');
    else if (job.delayed) this.move(job, 'scheduled');
    else this.free(job);
  }

  /** Nothing but a permit of its key is in its way, which it has to be given. */
  free(job: ModelJob): void {
    job.permit = false;
    this.move(job, job.tenant === undefined ? 'ready' : 'blocked');
  }

  asksKey(job: ModelJob): boolean {
    return job.state === 'blocked' && job.tenant !== undefined && !this.groups.waits(job);
  }

  /** Of one key of a queue. */
  ofKey({ tenant, lane }: ModelJob): ModelJob[] {
    return this.all.filter(
      (job) => job.tenant === tenant && (job.lane === 'fair') === (lane === 'fair'),
    );
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
    const own = this.runs.filter(({ claim }) => !claim.pulled);
    return [...own.filter((run) => !this.holds(run)), ...own.filter((run) => this.holds(run))];
  }

  runsOf({ ordered }: { ordered: boolean }): ModelRun[] {
    return this.answerable.filter(({ id }) => {
      const { group, tenant } = this.jobs.get(id)!;
      return (group !== undefined || tenant !== undefined) === ordered;
    });
  }

  /** What may be claimed: jobs without suspicion, suspects that run apart, or such that run alone. */
  claimable(which: 0 | 'apart' | 'lone', lanes: readonly ModelLane[]): ModelJob[] {
    const here = this.all.filter(
      (job) => job.state === 'ready' && lanes.includes(job.lane) && !this.isLocked(job),
    );
    return here.filter((job) => kindOf(job) === which);
  }

  /** I3: only the run at the job's current epoch holds it. */
  holds(run: ModelRun): boolean {
    const job = this.jobs.get(run.id)!;
    return job.state === 'running' && job.epoch === run.epoch;
  }

  claim(id: string, lease: string, ids: string[], pulled?: ModelPulled): void {
    const claim: ModelClaim = { id, lease, runs: [], ...(pulled && { pulled }) };
    for (const job of ids.map((each) => this.jobs.get(each)!)) {
      this.groups.expectInOrder(job);
      this.expectFenced(job);
      this.move(job, 'running');
      const run = { id: job.id, epoch: job.epoch, claim };
      claim.runs.push(run);
      this.runs.push(run);
    }
    if (ids.length > 0) this.claims.push(claim);
    if (pulled && ids.length > 0) this.pulled.push({ ...claim, pulled });
  }

  putBack(
    run: ModelRun,
    change: { spent: 0 | 1; rescheduled: 0 | 1; ran: boolean; delayed: boolean },
  ): void {
    const job = this.jobs.get(run.id)!;
    job.attempt += change.spent;
    job.reschedules += change.rescheduled;
    if (change.ran) job.suspicion = job.stalls = 0;
    this.leave(job, change.delayed);
  }

  /** `turn`: what becomes of the turn of its group. Passed on at once by a settle, else vacant or kept by the dead job. */
  end(
    id: string,
    state: TerminalState,
    { spent = 0, turn = 'skip' }: { spent?: number; turn?: OnDeadJob | 'pass' } = {},
  ): void {
    const job = this.jobs.get(id)!;
    job.attempt += spent;
    job.ended = this.steps;
    job.permit = false;
    this.move(job, state);
    this.groups.leave(job, turn);
  }

  /** An operator has it run again: all attempts, no word of its first life. */
  revive(
    job: ModelJob,
    { epoch, halted = this.groups.halted }: { epoch: number; halted?: boolean },
  ): void {
    job.suspicion = job.state === 'poisoned' && job.stalls > 0 ? 3 : 0;
    Object.assign(job, {
      epoch,
      attempt: 0,
      stalls: 0,
      reschedules: 0,
      delayed: false,
      cancelRequested: false,
    });
    this.groups.rejoin(job, halted);
    if (this.groups.waits(job)) this.move(job, 'blocked');
    else this.free(job);
  }

  /** It is other work now, under the id and the suspicion that it had. */
  replace(job: ModelJob, { priority = 0, delayed, tag, tenant }: ModelItem): void {
    const fresh = { attempt: 0, reschedules: 0, checkpoint: undefined, cancelRequested: false };
    Object.assign(job, { priority, delayed, tag, tenant, lane: 'plain', permit: false, ...fresh });
    if (delayed) this.move(job, 'scheduled');
    else this.free(job);
  }

  /** A crash, as its reaper sees it. */
  reap(onDeadJob: OnDeadJob): void {
    for (const claim of this.claims.filter(({ lease }) => !this.liveLeases.has(lease))) {
      for (const run of claim.runs)
        if (this.holds(run)) this.crash(this.jobs.get(run.id)!, onDeadJob);
      this.claims = this.claims.filter((each) => each !== claim);
    }
  }

  /** A claim whose answer was lost: its jobs never started. */
  release(claim: ModelClaim): void {
    for (const run of claim.runs) if (this.holds(run)) this.leave(this.jobs.get(run.id)!);
    this.claims = this.claims.filter((each) => each !== claim);
  }

  move(job: ModelJob, to: JobState): void {
    if (job.state !== to && !MOVES[job.state].includes(to))
      throw new Error(`The model itself moves a job from ${job.state} to ${to}.`);
    job.state = to;
    job.due = false;
    job.overdue = false;
  }

  /** I3, over all lives of the job. */
  private expectFenced({ id, epoch }: ModelJob): void {
    if (this.runs.some((run) => run.id === id && run.epoch === epoch))
      throw new Error(
        `Two runs of job ${id} have the epoch ${epoch}: the first could settle the second.`,
      );
  }

  /** It was blocked, or is still staged. */
  private onTurn(job: ModelJob): void {
    if (job.state === 'blocked') this.commit(job);
  }

  private crash(job: ModelJob, onDeadJob: OnDeadJob): void {
    const alone = isLone(job);
    if (job.cancelRequested) return this.end(job.id, 'cancelled');
    if (alone || job.suspicion === 2) job.stalls++;
    if (alone && job.stalls >= MAX_STALLS) return this.end(job.id, 'poisoned', { turn: onDeadJob });
    if (!alone) job.suspicion = Math.min(9, job.suspicion + 1);
    this.leave(job);
  }

  private leave(job: ModelJob, isDelayed = false): void {
    job.permit = false;
    if (isDelayed) this.move(job, 'scheduled');
    else this.free(job);
    job.epoch++;
  }
}
