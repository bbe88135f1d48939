import { CANCELLED_EARLY } from '../job/outcome.js';
import type { Uuid7 } from '../runtime/uuid7.js';
import type { ClaimKey } from '../storage/claim/claim-wish.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Arrivals } from './arrivals.js';
import type { Claims } from '../settle/claims.js';
import type { Dispatcher } from './dispatcher.js';
import { JobRun, type Claim } from '../run/job-run.js';
import type { Settler } from '../settle/settler.js';
import type { Strays } from '../settle/strays.js';
import type { LaneRun } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

export interface IntakeParts {
  lanes: WorkerLanes;
  claims: Claims;
  settler: Settler;
  strays: Pick<Strays, 'add'>;
  arrivals: Arrivals;
  dispatcher: Dispatcher;
  ids: Uuid7;
  lease: () => string | undefined;
}

/** The way of every claim, whichever rows it asks for. `isOver` is said by whoever claims while the others are paused. */
export class Intake {
  isPaused = true;

  constructor(private readonly parts: IntakeParts) {}

  /** What claims are made under; undefined: none may be made now. */
  get lease(): string | undefined {
    return this.parts.lease();
  }

  /** Each lane is asked at once. */
  resume(): void {
    this.isPaused = false;
    for (const lane of this.parts.lanes.all()) lane.lookAt = 0;
  }

  /** Of the next claim; undefined: none may be made now. */
  nextKey(isOver = this.isPaused): ClaimKey | undefined {
    const { lease } = this;
    return isOver || !lease ? undefined : { claimId: this.parts.ids.next(), lease };
  }

  /** Before the statement leaves: a claim under way is known, or the heartbeat would free it. */
  expect({ claimId }: ClaimKey, asked: number): void {
    this.parts.claims.expect(claimId, asked);
  }

  forget({ claimId }: ClaimKey, error?: unknown): void {
    this.parts.claims.forget(claimId, error);
  }

  async ask<Answer>(key: ClaimKey, asked: number, send: () => Promise<Answer>): Promise<Answer> {
    this.expect(key, asked);
    try {
      return await send();
    } catch (error) {
      this.forget(key, error);
      throw error;
    }
  }

  /** Starts what a claim brought. False: it must not start here, and went back. */
  arrived(key: ClaimKey, rows: readonly ClaimedRow[], isOver = this.isPaused): boolean {
    const claim = this.parts.claims.arrived(key.claimId, rows.length);
    for (const row of rows) {
      const run = this.runOf(row, claim);
      if (run) this.parts.arrivals.take(run);
    }
    const mayStart = this.mayStart(key, isOver);
    if (!mayStart) this.giveBackWaiting('unstarted');
    this.parts.dispatcher.startAll();
    return mayStart;
  }

  /** One job that is in no line: see `startAlone`. undefined: none came, or it must not start here. */
  arrivedAlone(key: ClaimKey, rows: readonly ClaimedRow[], isOver: boolean): LaneRun | undefined {
    const claim = this.parts.claims.arrived(key.claimId, rows.length);
    const run = rows[0] && this.runOf(rows[0], claim);
    if (!run || this.mayStart(key, isOver)) return run;
    return this.giveBack([run], 'unstarted');
  }

  /** Runs it now, whatever waits. False: it was cancelled. */
  startAlone(run: LaneRun): boolean {
    if (run.isCancelled) this.cancel(run);
    else this.parts.dispatcher.runAlone(run);
    return !run.isCancelled;
  }

  giveBackWaiting(reason: 'shutdown' | 'unstarted'): void {
    for (const lane of this.parts.lanes.held()) this.giveBack(lane.giveBack(), reason);
  }

  giveBack(runs: readonly JobRun[], reason: 'shutdown' | 'unstarted'): undefined {
    for (const run of runs)
      this.parts.settler.add(run, { kind: 'released', again: { delayMs: 0 }, reason });
  }

  cancel(run: JobRun): void {
    this.parts.settler.add(run, CANCELLED_EARLY);
  }

  /** Not where it was paused meanwhile, or the lease was lost: others may run it. */
  private mayStart({ lease }: ClaimKey, isOver: boolean): boolean {
    return !isOver && lease === this.lease;
  }

  /** What was in a place that is not its job's, or in a lane that is another one by now, goes back: its handler is another one, or nowhere. */
  private runOf(row: ClaimedRow, claim: Claim): LaneRun | undefined {
    const lane = row.ownLane === undefined ? this.parts.lanes.get(row.lane) : undefined;
    if (lane) return new JobRun(row, lane, claim);
    this.parts.strays.add(row, claim);
  }
}
