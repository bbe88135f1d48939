import type { Intake } from './intake.js';
import { LATE, within } from '../runtime/within.js';
import type { ClaimKey } from '../storage/claim/claim-wish.js';
import { LONE, type ClaimRepository, type SuspectWish } from '../storage/claim/claim.repository.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Claims } from '../settle/claims.js';
import type { Dispatcher } from './dispatcher.js';
import type { RunLane } from '../run/job-run.js';
import type { LaneRun, WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

export interface SuspectsParts {
  claimRepository: ClaimRepository;
  lanes: WorkerLanes;
  claims: Claims;
  dispatcher: Dispatcher;
  intake: Intake;
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
const aloneMs = ({ suspicion }: LaneRun): number =>
  KNOWN_MS * 4 ** Math.floor((suspicion - LONE) / 2);

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

  /** What the promoter saw; true when a round is worthwhile. */
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
      if (!this.closed && this.parts.intake.isPaused) this.resume();
    }
    if (this.apart) return this.runApart();
    return this.lone ? RETRY_MS : Infinity;
  }

  private async runApart(): Promise<number> {
    const { lanes, claims } = this.parts;
    const open = this.open();
    const here = this.suspectsByLane();
    const each = open.map((lane) => Math.max(0, half(lane.capacity) - (here.get(lane) ?? 0)));
    const running = [...here.values()].reduce((sum, count) => sum + count, 0);
    const room = Math.min(half(lanes.concurrency) - running, claims.room, each.reduce((sum, count) => sum + count, 0)); // prettier-ignore
    if (room <= 0) return NEXT_MS;
    if (await this.claimApart(open, { alone: false, limit: room, each })) return NEXT_MS;
    // There may be more of those lanes that had no room.
    this.apart = running > 0;
    return this.apart || this.lone ? RETRY_MS : Infinity;
  }

  private suspectsByLane(): Map<RunLane, number> {
    const { lanes, dispatcher } = this.parts;
    const counts = new Map<RunLane, number>(
      lanes.all().map((lane) => [lane, lane.bufferedSuspects]),
    );
    for (const { lane, suspicion, settled } of dispatcher.runs())
      if (suspicion > 0 && !settled) counts.set(lane, (counts.get(lane) ?? 0) + 1);
    return counts;
  }

  /** Nothing else starts in this process meanwhile; what was claimed ahead goes back to where others may take it. */
  private async runLone(): Promise<void> {
    const { intake, dispatcher } = this.parts;
    this.save();
    if (this.savedMs <= 0) return;
    intake.isPaused = true;
    dispatcher.halt();
    intake.giveBackWaiting('unstarted');
    await this.spend(() => Promise.race([dispatcher.whenKnown(KNOWN_MS), this.whenClosed]));
    while (!this.closed && this.savedMs > 0 && (await this.runNext()));
  }

  private resume(): void {
    this.parts.dispatcher.resume();
    this.parts.intake.resume();
    this.parts.onResume();
  }

  /** False where none is left, or others may start now. */
  private async runNext(): Promise<boolean> {
    const run = await this.spend(() => this.claimLone());
    if (!run) return (this.lone = false);
    const settled = this.whenSettled(run);
    if (!this.parts.intake.startAlone(run)) return true;
    if ((await this.spend(() => within(settled, aloneMs(run)))) !== LATE) return true;
    await this.letOthersIn(run, settled);
    return false;
  }

  /**
   * Ends when the database knows how the run ended, not before: with its settle still under way, the next job to kill this process
   * would have an innocent beside it.
   */
  private whenSettled(run: LaneRun): Promise<void> {
    const settled = new Promise<void>((resolve) => (run.claim.onEnd = resolve));
    return Promise.race([settled, this.whenClosed]);
  }

  /** It has been alone for its time: what waits may start beside it, once the database knows that a crash is no longer its own. */
  private async letOthersIn(run: LaneRun, settled: Promise<void>): Promise<void> {
    const { intake, dispatcher, onResume } = this.parts;
    const held = new Promise<void>((resolve) => (dispatcher.onHeld = resolve));
    intake.resume();
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
      await this.parts.claimRepository.accompany(run);
      return true;
    } catch {
      return false;
    }
  }

  /** False: none came, or none of them may start. */
  private async claimApart(open: readonly WorkerLane[], wish: SuspectWish): Promise<boolean> {
    const key = this.parts.intake.nextKey(this.closed);
    if (!key) return false;
    const rows = await this.ask(key, open, wish);
    return this.parts.intake.arrived(key, rows, this.closed) && rows.length > 0;
  }

  private async claimLone(): Promise<LaneRun | undefined> {
    const key = this.parts.intake.nextKey(this.closed);
    const open = this.open().filter((lane) => lane.fleet.mayStart);
    return (
      key &&
      this.parts.intake.arrivedAlone(
        key,
        await this.ask(key, open, { alone: true, limit: 1 }),
        this.closed,
      )
    );
  }

  private ask(
    key: ClaimKey,
    open: readonly WorkerLane[],
    wish: SuspectWish,
  ): Promise<ClaimedRow[]> {
    const { intake, claimRepository } = this.parts;
    const ids = open.map(({ id }) => id);
    return intake.ask(key, wish.limit, () =>
      claimRepository.claimSuspects(key.claimId, key.lease, ids, wish),
    );
  }

  private open(): WorkerLane[] {
    return this.parts.lanes.all().filter((lane) => !lane.isPaused);
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
