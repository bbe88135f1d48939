import type { Uuid7 } from '../runtime/uuid7.js';
import { LATE, within } from '../runtime/within.js';
import { LONE, type JobRepository, type SuspectWish } from '../storage/job.repository.js';
import type { ClaimedRow } from '../storage/row-mapper.js';
import type { Arrivals } from './arrivals.js';
import type { Claims } from './claims.js';
import type { Dispatcher } from './dispatcher.js';
import { JobRun, type RunLane } from './job-run.js';
import type { Poller } from './poller.js';
import type { Settler } from './settler.js';
import type { LaneRun, WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

export interface SuspectsParts {
  jobs: JobRepository;
  lanes: WorkerLanes;
  claims: Claims;
  dispatcher: Dispatcher;
  poller: Poller;
  settler: Settler;
  arrivals: Arrivals;
  ids: Uuid7;
  /** undefined: none may be claimed now. */
  lease: () => string | undefined;
  /** The poller may claim again. */
  onResume: () => void;
}

/** Lone suspects may have a fifth of the process's time, saved up to a minute; right after the start one second is free. */
const LONE_SHARE = 0.2;
const MAX_SAVED_MS = 60_000;
const FIRST_MS = 1_000;
/** What has run this long without harm is known: a lone suspect need not wait for its end, and others need not wait for a lone one's. */
const KNOWN_MS = 5_000;
/** How soon to look again for what there was no room or time for. */
const RETRY_MS = 200;
/** Between two claims: a crash may give back hundreds. */
const NEXT_MS = 20;

/** Of what may run at once, half may be suspects, so that whatever kills has others beside it each time. */
const half = (limit: number): number => Math.ceil(limit / 2);

/** A crash that came when others were beside it again said nothing: four times as long alone. */
const aloneMs = ({ suspicion }: LaneRun): number => KNOWN_MS * 4 ** Math.floor((suspicion - LONE) / 2);

/**
 * Runs what a crash gave back: beside everything else, and after three crashes in a row alone. Only there can a crash be told to be the
 * job's own. See docs/adr/0020.
 */
export class Suspects {
  private apart = false;
  private lone = false;
  private closed = false;
  private savedMs = FIRST_MS;
  private countedAt = performance.now();
  private onClose: () => void = () => undefined;
  private readonly whenClosed = new Promise<void>((resolve) => (this.onClose = resolve));

  constructor(private readonly parts: SuspectsParts) {}

  /** What the scheduler saw; true when a round is worthwhile. */
  expect({ suspects, lone }: { suspects: boolean; lone: boolean }): boolean {
    if (!this.closed) [this.apart, this.lone] = [suspects, lone];
    return this.apart || this.lone;
  }

  /** Lone suspects wait: their round has to come before everything else. */
  get expectsLone(): boolean {
    return this.lone;
  }

  /** No further suspect starts, and nothing else starts after the one that runs. */
  close(): void {
    this.closed = true;
    this.apart = this.lone = false;
    this.onClose();
  }

  /** One round: lone ones as long as their time lasts, then others beside everything else. */
  async round(): Promise<number> {
    try {
      if (this.lone) await this.runLone();
    } finally {
      // Also where others took the lone ones that the start waited for.
      if (!this.closed && this.parts.poller.isPaused) this.resume();
    }
    if (this.apart) return this.runApart();
    return this.lone ? RETRY_MS : Infinity;
  }

  private async runApart(): Promise<number> {
    const { lanes, dispatcher } = this.parts;
    const open = lanes.all().filter((lane) => !lane.isPaused);
    const here = this.suspectsByLane();
    const each = open.map((lane) => Math.max(0, half(lane.capacity) - (here.get(lane) ?? 0)));
    const running = [...here.values()].reduce((sum, count) => sum + count, 0);
    const room = Math.min(half(lanes.concurrency) - running, this.parts.claims.room, each.reduce((sum, count) => sum + count, 0)); // prettier-ignore
    if (room <= 0) return NEXT_MS;
    const runs = await this.claim(open, { alone: false, limit: room, each });
    for (const run of runs) this.parts.arrivals.take(run);
    dispatcher.startAll();
    if (runs.length > 0) return NEXT_MS;
    // There may be more of those lanes that had no room.
    this.apart = running > 0;
    return this.apart || this.lone ? RETRY_MS : Infinity;
  }

  private suspectsByLane(): Map<RunLane, number> {
    const { lanes, dispatcher } = this.parts;
    const counts = new Map<RunLane, number>(lanes.all().map((lane) => [lane, lane.bufferedSuspects]));
    for (const { lane, suspicion, settled } of dispatcher.runs())
      if (suspicion > 0 && !settled) counts.set(lane, (counts.get(lane) ?? 0) + 1);
    return counts;
  }

  /** Nothing else starts in this process meanwhile; what was claimed ahead goes back to where others may take it. */
  private async runLone(): Promise<void> {
    const { poller, dispatcher } = this.parts;
    this.save();
    if (this.savedMs <= 0) return;
    poller.pause();
    dispatcher.halt();
    poller.giveBackWaiting('unstarted');
    await this.spend(() => Promise.race([dispatcher.whenKnown(KNOWN_MS), this.whenClosed]));
    while (!this.closed && this.savedMs > 0 && (await this.runNext()));
  }

  private resume(): void {
    this.parts.dispatcher.resume();
    this.parts.poller.resume();
    this.parts.onResume();
  }

  /** False where none is left, or others may start now. */
  private async runNext(): Promise<boolean> {
    const [run] = await this.spend(() => this.claim(this.parts.lanes.all().filter((lane) => !lane.isPaused), { alone: true, limit: 1 })); // prettier-ignore
    if (!run) return (this.lone = false);
    if (this.endCancelled(run)) return true;
    const settled = this.runAlone(run);
    if ((await this.spend(() => within(settled, aloneMs(run)))) !== LATE) return true;
    await this.letOthersIn(run, settled);
    return false;
  }

  /**
   * Ends when the database knows how the run ended, not before: with its settle still under way, the next job to kill this process
   * would have an innocent beside it.
   */
  private runAlone(run: LaneRun): Promise<void> {
    const settled = new Promise<void>((resolve) => (run.claim.onEnd = resolve));
    this.parts.dispatcher.runAlone(run);
    return Promise.race([settled, this.whenClosed]);
  }

  /** It has been alone for its time: what waits may start beside it, once the database knows that a crash is no longer its own. */
  private async letOthersIn(run: LaneRun, settled: Promise<void>): Promise<void> {
    const { poller, dispatcher, onResume } = this.parts;
    const held = new Promise<void>((resolve) => (dispatcher.onHeld = resolve));
    poller.resume();
    onResume();
    let over = false;
    void settled.then(() => (over = true));
    await Promise.race([settled, held]);
    while (!over && !(await this.accompany(run))) await within(settled, RETRY_MS);
    dispatcher.onHeld = () => undefined;
    if (!this.closed) dispatcher.resume();
  }

  private async accompany(run: LaneRun): Promise<boolean> {
    try {
      await this.parts.jobs.accompany(run);
      return true;
    } catch {
      return false;
    }
  }

  private async claim(open: readonly WorkerLane[], wish: SuspectWish): Promise<LaneRun[]> {
    const { jobs, lanes, claims, ids } = this.parts;
    const lease = this.parts.lease();
    if (!lease) return [];
    const id = ids.next();
    claims.expect(id, wish.limit);
    try {
      const rows = await jobs.claimSuspects(id, lease, open.map(({ lane }) => lane.id), wish); // prettier-ignore
      const claim = claims.arrived(id, rows.length);
      const runs = rows.map((row: ClaimedRow) => new JobRun(row, lanes.get(row.lane)!, claim));
      return this.closed || lease !== this.parts.lease() ? this.giveBack(runs) : runs;
    } catch (error) {
      claims.forget(id, error);
      throw error;
    }
  }

  /** Its cancel was requested while it was in flight elsewhere, or while the answer of its claim was lost: it must not start. */
  private endCancelled(run: LaneRun): boolean {
    if (run.isCancelled) this.parts.settler.add(run, { kind: 'cancelled', reason: 'cancelled before it ran' });
    return run.isCancelled;
  }

  /** Closed meanwhile, or claimed under a lease that is lost: they must not start here. */
  private giveBack(runs: LaneRun[]): [] {
    for (const run of runs) run.lane.add(run);
    this.parts.poller.giveBackWaiting('unstarted');
    return [];
  }

  /** Where nothing else waits, none of it is taken from anybody: there is always some. */
  private save(): void {
    const now = performance.now();
    this.savedMs = Math.min(MAX_SAVED_MS, this.savedMs + (now - this.countedAt) * LONE_SHARE);
    this.countedAt = now;
    const othersWait = this.parts.lanes.all().some((lane) => lane.buffered > 0 || !lane.wasEmpty);
    if (!othersWait) this.savedMs = Math.max(this.savedMs, FIRST_MS);
  }

  private async spend<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.countedAt = performance.now();
      this.savedMs -= this.countedAt - startedAt;
    }
  }
}
