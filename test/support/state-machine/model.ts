import type { JobState, TerminalState } from '../../../lib/job/job-state.js';
import { isTerminal, MOVES } from '../../../lib/job/job-state.js';

/** What the promises say of one job; no SQL, no clock. */
export interface ModelJob {
  readonly id: string;
  readonly uniqueKey?: string;
  readonly priority: number;
  state: JobState;
  epoch: number;
  suspicion: number;
  stalls: number;
  attempt: number;
  reschedules: number;
  cancelRequested: boolean;
  /** Of a scheduled job: its time has come. */
  due: boolean;
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

export const MAX_STALLS = 2;

/** The state machine as documented: every change of state goes through `move`, which lets only the allowed ones pass. */
export class Model {
  readonly jobs = new Map<string, ModelJob>();
  /** Every run that was ever handed out. */
  readonly runs: ModelRun[] = [];
  claims: ModelClaim[] = [];
  readonly liveLeases = new Set<string>();

  add(id: string, { priority = 0, uniqueKey, delayed }: { priority?: number; uniqueKey?: string; delayed: boolean }): void {
    const fresh = { epoch: 0, suspicion: 0, stalls: 0, attempt: 0, reschedules: 0, cancelRequested: false, due: false };
    this.jobs.set(id, { id, uniqueKey, priority, state: delayed ? 'scheduled' : 'ready', ...fresh });
  }

  get all(): ModelJob[] {
    return [...this.jobs.values()];
  }

  live(uniqueKey: string): ModelJob | undefined {
    return this.all.find((job) => job.uniqueKey === uniqueKey && !isTerminal(job.state));
  }

  /** What may be claimed: plain jobs, or suspects of this degree. */
  claimable(suspicion: number): ModelJob[] {
    return this.all.filter((job) => job.state === 'ready' && job.suspicion === suspicion);
  }

  /** I3: only the run at the job's current epoch holds it. */
  holds(run: ModelRun): boolean {
    const job = this.jobs.get(run.id)!;
    return job.state === 'running' && job.epoch === run.epoch;
  }

  claim(id: string, lease: string, ids: string[]): void {
    const claim: ModelClaim = { id, lease, runs: [] };
    for (const job of ids.map((each) => this.jobs.get(each)!)) {
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

  end(id: string, state: TerminalState, spent = 0): void {
    const job = this.jobs.get(id)!;
    job.attempt += spent;
    this.move(job, state);
  }

  /** A crash, as its reaper sees it. */
  reap(): void {
    for (const claim of this.claims.filter(({ lease }) => !this.liveLeases.has(lease))) {
      for (const run of claim.runs) if (this.holds(run)) this.crash(this.jobs.get(run.id)!);
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
  }

  private crash(job: ModelJob): void {
    const alone = job.suspicion === 2;
    if (job.cancelRequested) return this.move(job, 'cancelled');
    if (alone) job.stalls++;
    if (alone && job.stalls >= MAX_STALLS) return this.move(job, 'poisoned');
    job.suspicion = Math.min(2, job.suspicion + 1);
    this.leave(job, 'ready');
  }

  private leave(job: ModelJob, to: 'ready' | 'scheduled'): void {
    this.move(job, to);
    job.epoch++;
  }
}
