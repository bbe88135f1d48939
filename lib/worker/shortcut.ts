import type { Uuid7 } from '../runtime/uuid7.js';
import type { ClaimedRow } from '../storage/row-mapper.js';
import type { DirectClaim, Shortcuts } from '../storage/shortcuts.js';
import type { Claims } from './claims.js';
import type { Dispatcher } from './dispatcher.js';
import { JobRun } from './job-run.js';
import type { Poller } from './poller.js';
import type { WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

interface ShortcutParts {
  shortcuts: Shortcuts;
  lanes: WorkerLanes;
  claims: Claims;
  dispatcher: Dispatcher;
  poller: Poller;
  ids: Uuid7;
  lease: () => string | undefined;
}

/**
 * A job that a caller of this process stores while its lane has nothing to do is stored as claimed, and starts as soon as it is stored:
 * no wake-up, no claim, no place among the ready ones. See docs/adr/0012.
 */
export class Shortcut {
  /** Offers that are not answered yet. */
  private underWay = 0;
  private onAnswer: () => void = () => undefined;

  constructor(private readonly parts: ShortcutParts) {}

  open(): () => void {
    return this.parts.shortcuts.open((laneId) => this.offer(laneId));
  }

  /** A paused poller makes no offers: what was offered before is here, and given back, when this resolves. */
  whenAnswered(): Promise<void> {
    return new Promise((resolve) => {
      this.onAnswer = () => this.underWay === 0 && resolve();
      this.onAnswer();
    });
  }

  private offer(laneId: number): DirectClaim | undefined {
    const { poller, lanes, claims, ids } = this.parts;
    const lane = lanes.get(laneId);
    const lease = this.parts.lease();
    if (!lane?.isWaiting || !lease || poller.isPaused || lanes.room <= 0) return undefined;
    const claim = { id: ids.next(), lease };
    // Before the statement leaves: if its answer is lost, the heartbeat finds the claim and frees it.
    claims.expect(claim.id);
    lane.ask(1);
    this.underWay++;
    const stored = (row: ClaimedRow): void => this.answered(lane, () => this.start(lane, claim, row));
    return { ...claim, stored, failed: () => this.answered(lane, () => claims.forget(claim.id)) };
  }

  private answered(lane: WorkerLane, then: () => void): void {
    lane.answered(1, { short: true, nextLookAt: lane.lookAt });
    this.underWay--;
    then();
    this.onAnswer();
  }

  private start(lane: WorkerLane, claim: { id: string; lease: string }, row: ClaimedRow): void {
    const { poller, lanes, claims, dispatcher } = this.parts;
    const now = lanes.get(lane.lane.id) ?? lane;
    now.add(new JobRun(row, now, claims.arrived(claim.id, 1)));
    // Paused meanwhile, or claimed under a lease that is lost: it must not start here.
    if (poller.isPaused || this.parts.lease() !== claim.lease) poller.giveBackWaiting('unstarted');
    dispatcher.startAll();
  }
}
