import { startingBehind } from '../runtime/starting-behind.js';
import type { FairClaimed, GroupRepository } from '../storage/groups/group.repository.js';
import type { Intake } from './intake.js';
import type { ClaimKey } from '../storage/claim/claim-wish.js';
import type { Claims } from '../settle/claims.js';
import type { RunReports } from '../observability/run-reports.js';
import { countPromises } from './shared-permits.js';
import type { WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

export interface FairPollerParts {
  groups: GroupRepository;
  lanes: WorkerLanes;
  claims: Claims;
  intake: Intake;
  reports: RunReports;
  pollIntervalMs: number;
  /** A claim is back, and the hot one has not asked for the news of its lane, for which this one left no room. */
  onBack: () => void;
}

/** Where the next claim of a lane starts, and when it is worth asking. */
interface Rotation {
  after: string | null;
  lookAt: number;
  /** A wake-up came while a claim was under way that may have left before it. */
  news: boolean;
}

/** Jobs in one claim. */
const MAX_CLAIM = 500;

/**
 * Claims for fair queues: in turn from the groups of a lane, an equal share of each. Apart from the hot statement, which never sees
 * them; what they bring runs and settles like everything else.
 */
export class FairPoller {
  private readonly rotations = new Map<number, Rotation>();
  private readonly heardOf = new Set<number>();
  /** The last lane that took some. */
  private last: number | undefined;

  constructor(private readonly parts: FairPollerParts) {}

  /** Nobody has to be woken where no queue is fair. */
  get isNeeded(): boolean {
    return this.rotations.size > 0;
  }

  /** Some of these lanes have jobs of fair queues. `new`: nobody has looked yet which; `unknown`: a look found none in some of them. */
  newsOf(lanes: readonly number[]): 'new' | 'unknown' | undefined {
    const unknown = lanes.filter((id) => this.parts.lanes.get(id) && !this.rotations.has(id));
    const before = this.heardOf.size;
    for (const id of unknown) this.heardOf.add(id);
    if (this.heardOf.size > before) return 'new';
    return unknown.length > 0 ? 'unknown' : undefined;
  }

  /** What the promoter saw: these lanes have jobs of fair queues. */
  expect(lanes: readonly number[]): void {
    for (const id of lanes)
      if (!this.rotations.has(id)) this.rotations.set(id, { after: null, lookAt: 0, news: true });
  }

  /** A wake-up, in all or these lanes. */
  expectNews(lanes?: readonly number[]): void {
    for (const [id, rotation] of this.rotations)
      if (!lanes || lanes.includes(id)) Object.assign(rotation, { lookAt: 0, news: true });
  }

  /** One claim for each lane that has room, and the first one for the lane behind the last that took some. */
  async poll(): Promise<number> {
    const lanes = startingBehind([...this.rotations.keys()], this.last);
    if (lanes.length > 0) countPromises(this.parts.lanes.all());
    let claimed = 0;
    for (const id of lanes) {
      const brought = await this.pollLane(id);
      if (brought > 0) this.last = id;
      claimed += brought;
    }
    if (lanes.length === 0) return Infinity;
    return claimed > 0 ? 0 : this.parts.pollIntervalMs;
  }

  private async pollLane(id: number): Promise<number> {
    const lane = this.parts.lanes.get(id);
    const rotation = this.rotations.get(id)!;
    if (!lane || rotation.lookAt > performance.now()) return 0;
    const wanted = Math.min(MAX_CLAIM, this.wantedOf(lane));
    const key = this.parts.intake.nextKey();
    if (wanted <= 0 || !key) return 0;
    rotation.news = false;
    const askedAt = performance.now();
    const claimed = await this.claim(lane, key, { wanted, after: rotation.after });
    const ms = performance.now() - askedAt;
    this.parts.reports.polled(() => ({ wanted, claimed: claimed.jobs.length, settled: 0, ms }));
    this.moveOn(rotation, claimed);
    this.parts.intake.arrived(key, claimed.jobs);
    if (lane.hasNews) this.parts.onBack();
    return claimed.jobs.length;
  }

  /** What the hot claim has asked for in this lane it will not find: nothing of a fair queue is there. */
  private wantedOf(lane: WorkerLane): number {
    return Math.min(
      lane.wanted + lane.expected,
      this.parts.lanes.room + lane.expected,
      this.parts.claims.room,
    );
  }

  private async claim(
    lane: WorkerLane,
    key: ClaimKey,
    wish: { wanted: number; after: string | null },
  ): Promise<FairClaimed> {
    const { groups, intake } = this.parts;
    const { shared } = lane.fleet;
    lane.expected += wish.wanted;
    shared?.ask(lane.callsOf(wish.wanted));
    try {
      return await intake.ask(key, wish.wanted, () =>
        groups.claimFair({ ...key, ...wish, lane: lane.id }),
      );
    } finally {
      lane.expected -= wish.wanted;
      shared?.ask(-lane.callsOf(wish.wanted));
    }
  }

  private moveOn(rotation: Rotation, { jobs, after }: FairClaimed): void {
    rotation.after = after;
    rotation.lookAt =
      jobs.length === 0 && !rotation.news ? performance.now() + this.parts.pollIntervalMs : 0;
  }
}
