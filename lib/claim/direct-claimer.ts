import type { Intake } from './intake.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { DirectClaim, DirectClaims } from '../storage/enqueue/direct-claims.js';
import type { WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

interface DirectClaimerParts {
  directClaims: DirectClaims;
  lanes: WorkerLanes;
  intake: Intake;
}

/**
 * A job that a caller of this process stores while its lane has nothing to do is stored as claimed, and starts as soon as it is stored:
 * no wake-up, no claim, no place among the ready ones. See docs/adr/0012.
 */
export class DirectClaimer {
  /** Those that wait for their reply. */
  private underWay = 0;
  private onAnswer: () => void = () => undefined;

  constructor(private readonly parts: DirectClaimerParts) {}

  open(): () => void {
    return this.parts.directClaims.open((laneId) => this.claimFor(laneId));
  }

  /** A paused worker makes no direct claims: what was made before is here, and given back, when this resolves. */
  whenAnswered(): Promise<void> {
    return new Promise((resolve) => {
      this.onAnswer = () => this.underWay === 0 && resolve();
      this.onAnswer();
    });
  }

  private claimFor(laneId: number): DirectClaim | undefined {
    const { lanes, intake } = this.parts;
    const lane = lanes.get(laneId);
    const key =
      lane?.isHungry && Math.min(lanes.room, lanes.free) > this.underWay
        ? intake.nextKey()
        : undefined;
    if (!lane || !key) return undefined;
    intake.expect(key, 1);
    const { shared } = lane;
    lane.ask(1);
    shared.ask(1);
    this.underWay++;
    const answered = (then: () => void): void => {
      shared.ask(-1);
      this.answered(lane, then);
    };
    const stored = (row: ClaimedRow): void => answered(() => void intake.arrived(key, [row]));
    return { ...key, stored, failed: () => answered(() => intake.forget(key)) };
  }

  private answered(lane: WorkerLane, then: () => void): void {
    lane.answered(1, { short: true, nextLookAt: lane.lookAt });
    this.underWay--;
    then();
    this.onAnswer();
  }
}
