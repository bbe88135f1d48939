import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Look } from './cursor.js';
import type { WorkerLane } from './worker-lane.js';

/** What was claimed of a lane, and by which look. */
interface Brought {
  look: Look;
  short: boolean;
  nextLookAt: number;
}

/** Lanes of a queue in which priorities differ, as they are now. */
interface Siblings {
  /** Those that are not known to be empty, or hold jobs; the most urgent first. */
  byUrgency: readonly WorkerLane[];
  /** Those with jobs that wait here; the least urgent first. */
  waiting: readonly WorkerLane[];
}

const MIXED = Number.NaN;

/**
 * Lanes of one queue in which jobs of several priorities were met: the less urgent ask only for what is as urgent as that which
 * the others have. Where all have one priority nothing changes. See docs/adr/0018.
 */
export class Precedence {
  /** By queue: the one priority that was met there, or `MIXED`. */
  private readonly met = new Map<number, number>();
  /** What is left of a lane that is not empty is no more urgent than this. */
  private readonly reached = new WeakMap<WorkerLane, number>();
  /** When a lane that gives way is looked at for more urgent jobs. */
  private readonly lookAt = new WeakMap<WorkerLane, number>();
  /** For one round through all lanes: a queue may have thousands of names, and each of them asks for its siblings. */
  private readonly byQueue = new Map<number, Siblings>();

  constructor(private readonly lanes: () => readonly WorkerLane[]) {}

  /** Before a round through all lanes. */
  begin(): void {
    this.byQueue.clear();
  }

  /** How many jobs to ask of the lane now, and up to which priority; Infinity: whatever it has. */
  wishOf(lane: WorkerLane, now: number): { wanted: number; upto: number } {
    const wanted = this.wantedOf(lane);
    const other = this.aheadOf(lane, now);
    if (!other) return { wanted, upto: Infinity };
    // Its turn for a slot may never come while the other one has jobs: what it waits for may be more urgent by now.
    const least = !lane.isPaused && couldTake(lane, other) ? 1 : 0;
    return { wanted: this.isDue(lane, now) ? Math.max(wanted, least) : 0, upto: this.next(other) };
  }

  /** To which lane it gives way. */
  private aheadOf(lane: WorkerLane, now: number): WorkerLane | undefined {
    const own = lane.wasEmpty ? Infinity : this.next(lane);
    for (const other of this.siblingsOf(lane).byUrgency) {
      if (this.next(other) >= own) return undefined;
      if (other !== lane && this.isAhead(other, lane, now)) return other;
    }
    return undefined;
  }

  /** A lane that gives way is looked at where there was news, and once a poll. */
  private isDue(lane: WorkerLane, now: number): boolean {
    return lane.expected === 0 && (lane.hasNews || now >= (this.lookAt.get(lane) ?? 0));
  }

  /** While the look is under way it is not repeated. */
  look(lane: WorkerLane, upto: number, now: number): Look {
    lane.lookedFor();
    this.lookAt.set(lane, Infinity);
    return lane.cursor.lookUpTo(upto, now);
  }

  /** A look that did not come to the lane. */
  missed(lane: WorkerLane, look: Look): void {
    lane.cursor.missed(look);
    this.lookAt.set(lane, 0);
  }

  /** As its own wish, and as many as less urgent ones of its queue wait here: whichever slot comes free, a more urgent one is there. */
  private wantedOf(lane: WorkerLane): number {
    const { wanted } = lane;
    if (lane.wasEmpty || lane.followMs === 0) return wanted;
    let ahead = 0;
    for (const other of this.siblingsOf(lane).waiting) {
      if (other.priority <= this.next(lane) || ahead >= lane.capacity) break;
      ahead += other.buffered;
    }
    return Math.max(wanted, Math.min(ahead, lane.capacity) - lane.held - lane.expected);
  }

  brought(
    lane: WorkerLane,
    rows: readonly ClaimedRow[],
    { look, short, nextLookAt }: Brought,
  ): void {
    let [first, last] = [Infinity, -Infinity];
    for (const { priority } of rows) {
      first = Math.min(first, priority);
      last = Math.max(last, priority);
    }
    if (rows.length > 0) {
      const met = this.met.get(lane.queueId) ?? first;
      this.met.set(lane.queueId, met === first && met === last ? met : MIXED);
      this.reached.set(lane, last);
    }
    if (look.upto === undefined) return;
    this.lookAt.set(lane, short ? nextLookAt : 0);
    if (short) this.reached.set(lane, look.upto + 1);
    else lane.answered(0, { short, nextLookAt });
  }

  private isAhead(other: WorkerLane, lane: WorkerLane, now: number): boolean {
    if (other.wasEmpty || other.isPaused || !couldTake(other, lane)) return false;
    if (other.buffered > 0 || other.expected > 0) return true;
    return other.lookAt <= now && this.wantedOf(other) > 0;
  }

  private next(lane: WorkerLane): number {
    return Math.min(lane.priority, this.reached.get(lane) ?? Infinity);
  }

  private siblingsOf({ queueId }: WorkerLane): Siblings {
    if (!Number.isNaN(this.met.get(queueId) ?? 0)) return NONE;
    const known = this.byQueue.get(queueId);
    if (known) return known;
    const lanes = this.lanes().filter(
      (lane) => lane.queueId === queueId && (!lane.wasEmpty || lane.held > 0),
    );
    const siblings = {
      byUrgency: lanes.toSorted((one, other) => order(this.next(one), this.next(other))),
      waiting: lanes
        .filter(({ buffered }) => buffered > 0)
        .toSorted((one, other) => order(other.priority, one.priority)),
    };
    this.byQueue.set(queueId, siblings);
    return siblings;
  }
}

const NONE: Siblings = { byUrgency: [], waiting: [] };

/** Infinity less itself is no number. */
const order = (one: number, other: number): number => (one < other ? -1 : one > other ? 1 : 0);

/** Whatever it needs besides that which the other one needs is free. */
const couldTake = (lane: WorkerLane, { permits }: WorkerLane): boolean =>
  lane.permits.every((each) => each.free > 0 || permits.includes(each));
