import type { FleetPermits } from '../limits/fleet-permits.js';
import type { QueueEvents } from '../observability/events.js';
import type {
  Claimed,
  ClaimWish,
  ClaimRepository,
  LaneWish,
} from '../storage/claim/claim.repository.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Uuid7 } from '../runtime/uuid7.js';
import type { Arrivals } from './arrivals.js';
import type { Intake } from './intake.js';
import type { Claims } from '../settle/claims.js';
import { bytesOf, byLaneOf } from './claimed-rows.js';
import { Failures } from '../observability/failures.js';
import type { Look } from './cursor.js';
import { Precedence } from './precedence.js';
import type { RunReports } from '../observability/run-reports.js';
import type { SettleBatch, Settler } from '../settle/settler.js';
import { countPromises } from './shared-permits.js';
import type { WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

export interface PollerParts {
  claimRepository: ClaimRepository;
  lanes: WorkerLanes;
  claims: Claims;
  settler: Settler;
  intake: Intake;
  reports: RunReports;
  arrivals: Pick<Arrivals, 'line'>;
  ids: Uuid7;
  worker: string;
  pollIntervalMs: number;
  /** Gives back what claims whose answer was lost may hold. */
  release: (claims: string[]) => Promise<void>;
}

/** Jobs in one claim; larger ones gain nothing and hold their locks longer. */
const MAX_CLAIM = 500;
/** What was claimed ahead and waits longer than this is given back: others may have room for it. */
const STALE_MS = 1_000;

/** For a statement that settles and claims nothing. */
const NO_LEASE = '00000000-0000-0000-0000-000000000000';

/** What a claim asks of one lane. */
interface Planned {
  lane: WorkerLane;
  /** Its place among all lanes. */
  at: number;
  wanted: number;
  look: Look;
}

interface Plan {
  wish: ClaimWish;
  lanes: Planned[];
  /** The statement is back: it asks for nothing any more. */
  onBack: () => void;
}

interface Asked {
  lanes: Planned[];
  /** What they may bring together. */
  most: number;
  /** They were all empty, and share it. */
  shared?: FleetPermits;
}

/** One round settles what has finished and claims what may run, in one statement for all lanes. Two loops turn it side by side. */
export class Poller {
  /** Of its statements: a round that had nothing to ask, while another asked or without a lease, says nothing of them. */
  readonly failures = new Failures('poll');
  /** Statements under way. */
  private sent = 0;
  private nextPollAt = 0;
  private turn = 0;
  /** Jobs that claims under way may bring. */
  private underWay = 0;

  private readonly precedence = new Precedence(() => this.parts.lanes.all());

  constructor(private readonly parts: PollerParts) {}

  async poll(): Promise<number> {
    // What ends within one turn of the event loop leaves together.
    await new Promise(setImmediate);
    const { settler, claims } = this.parts;
    await claims.free(this.parts.release);
    const plan = this.plan(performance.now());
    if (settler.hasNone && plan.lanes.length === 0 && !this.mustEndClaims) {
      if (this.wantsNothing) this.failures.end();
      return this.restMs(performance.now());
    }
    const batch = settler.take();
    const sentAt = performance.now();
    const claimed = await this.send(batch, plan);
    if (!claimed) return 0;
    const ms = performance.now() - sentAt;
    this.failures.end();
    settler.settled(batch, claimed.lost, ms);
    this.parts.reports.polled(() => reportOf(batch, plan, claimed, ms));
    this.note(plan, claimed.jobs, ms);
    this.parts.arrivals.line.claimed(claimed.jobs.length, bytesOf(claimed.jobs), ms);
    this.parts.intake.arrived(plan.wish, claimed.jobs);
    return settler.hasNone ? this.restMs(performance.now()) : 0;
  }

  private get room(): number {
    return Math.min(this.parts.lanes.room - this.underWay, this.parts.claims.room);
  }

  private get mustEndClaims(): boolean {
    return this.parts.intake.isPaused && this.parts.claims.hasEnded;
  }

  /** No lane has room, whatever is under way: until one has, it matters to nobody whether polls fail. */
  private get wantsNothing(): boolean {
    const { intake, lanes } = this.parts;
    if (intake.isPaused) return true;
    if (this.sent > 0 || !intake.lease) return false;
    countPromises(lanes.all());
    return lanes.all().every((lane) => lane.expected === 0 && lane.wanted <= 0);
  }

  /** undefined: the server refused one of the settles; they go on apart, and the claim is made again. */
  private async send(batch: SettleBatch, plan: Plan): Promise<Claimed | undefined> {
    const { arrivals, claimRepository, intake, settler, worker } = this.parts;
    const { wish } = plan;
    const send = (): Promise<Claimed> =>
      claimRepository.settleAndClaim(worker, batch.successes, batch.claims, wish);
    this.sent++;
    try {
      return await intake.ask(wish, wish.limit, send);
    } catch (error) {
      arrivals.line.lost();
      for (const planned of plan.lanes) this.unanswered(planned);
      if (settler.failed(batch, error)) return undefined;
      this.failures.add(error);
      throw error;
    } finally {
      this.sent--;
      plan.onBack();
    }
  }

  /** A lane without room, or known to be empty, is left out. */
  private plan(now: number): Plan {
    const { ids, intake } = this.parts;
    const { line } = this.parts.arrivals;
    const key = intake.nextKey();
    const room = Math.min(MAX_CLAIM, line.most, this.room);
    const asked = key ? this.lanesToAsk(now, room) : { lanes: [], most: 0 };
    const { lanes } = asked;
    const wishes = lanes.map(({ lane, wanted, look }): LaneWish => ({
      lane: lane.id,
      wanted,
      ranges: look.ranges,
    }));
    const limit = Math.max(0, Math.min(room, asked.most));
    return {
      wish: {
        ...(key ?? { claimId: ids.next(), lease: NO_LEASE }),
        lanes: wishes,
        limit,
        bytes: line.brings,
      },
      lanes,
      onBack: this.leaves(asked, limit),
    };
  }

  /** Other statements of this process leave room for what it may bring. */
  private leaves({ lanes, shared }: Asked, limit: number): () => void {
    const calls = Math.max(0, ...lanes.map(({ lane, wanted }) => lane.callsOf(wanted)));
    const count = (sign: 1 | -1): void => {
      this.underWay += sign * limit;
      shared?.ask(sign * calls);
    };
    count(1);
    return () => count(-1);
  }

  /**
   * Room goes round: the next claim begins behind the last lane that took some. A lane that was empty most likely still is, so it takes
   * none from others: 200 idle queues are one statement, whose limit bounds what they bring after all. Empty ones that share a limit of the
   * fleet are a statement of their own: they may all have jobs now, of which together they can start what one of them can.
   */
  private lanesToAsk(now: number, room: number): Asked {
    if (now >= this.nextPollAt) this.tick(now);
    const planned: Planned[] = [];
    let apart: FleetPermits | undefined;
    const lanes = this.parts.lanes.all();
    const first = this.turn;
    let left = room;
    countPromises(lanes);
    this.precedence.begin();
    for (let index = 0; index < lanes.length && left > 0; index++) {
      const at = (first + index) % lanes.length;
      const lane = lanes[at]!;
      const { upto, ...wish } = this.wishOf(lane, now);
      const wanted = Math.min(wish.wanted, left);
      if (wanted <= 0) continue;
      const shared = lane.wasEmpty ? lane.fleet.shared : undefined;
      if (planned.length === 0) apart = shared;
      if (shared !== apart) continue;
      const look = this.look(lane, { wanted, upto }, now);
      planned.push({ lane, at, wanted, look });
      if (lane.wasEmpty || upto < Infinity) continue;
      left -= wanted;
      this.turn = at + 1;
    }
    return { lanes: planned, most: mostOf(planned, apart !== undefined), shared: apart };
  }

  /** All idle lanes are asked at the same time: one statement an interval, however many they are. */
  private tick(now: number): void {
    this.nextPollAt = now + this.parts.pollIntervalMs * (0.9 + 0.2 * Math.random());
    for (const lane of this.parts.lanes.all()) {
      lane.lookAt = 0;
      if (lane.buffered > 0)
        this.parts.intake.giveBack(lane.giveBackStale(now, STALE_MS), 'unstarted');
    }
  }

  /** A claim that brought all it was allowed to may not have come to its last lanes. */
  private note({ wish, lanes }: Plan, rows: ClaimedRow[], ms: number): void {
    const byLane = byLaneOf(rows);
    const reached =
      rows.length < wish.limit
        ? lanes.length
        : lanes.findLastIndex(({ lane }) => byLane.has(lane.id));
    if (lanes[reached]) this.turn = lanes[reached].at + 1;
    lanes.forEach((planned, index) => {
      const { lane, wanted, look } = planned;
      const own = byLane.get(lane.id) ?? [];
      if (index > reached) return this.unanswered(planned);
      const short = own.length < wanted && index < reached;
      lane.cursor.took(own, { look, short, ms });
      this.precedence.brought(lane, own, { look, short, nextLookAt: this.nextPollAt });
      if (look.upto !== undefined) return;
      lane.answered(wanted, { short: short && !lane.cursor.isBehind, nextLookAt: this.nextPollAt });
    });
  }

  private unanswered({ lane, wanted, look }: Planned): void {
    if (look.upto === undefined) lane.unanswered(wanted, look);
    else this.precedence.missed(lane, look);
  }

  private look(
    lane: WorkerLane,
    { wanted, upto }: { wanted: number; upto: number },
    now: number,
  ): Look {
    if (upto < Infinity) return this.precedence.look(lane, upto, now);
    lane.ask(wanted);
    lane.promise();
    return lane.cursor.look(now);
  }

  /** How many jobs to ask of the lane now, and up to which priority. */
  private wishOf(lane: WorkerLane, now: number): { wanted: number; upto: number } {
    return lane.lookAt > now ? NO_WISH : this.precedence.wishOf(lane, now);
  }

  /** Until the next idle poll, or at once where a lane with room is worth asking. */
  private restMs(now: number): number {
    const { intake, pollIntervalMs } = this.parts;
    if (intake.isPaused) return Infinity;
    if (!intake.lease) return pollIntervalMs;
    if (this.room <= 0) return Math.max(1, this.nextPollAt - now);
    const lanes = this.parts.lanes.all();
    countPromises(lanes);
    this.precedence.begin();
    for (const lane of lanes) if (this.wishOf(lane, now).wanted > 0) return 0;
    return Math.max(1, this.nextPollAt - now);
  }
}

const NO_WISH = { wanted: 0, upto: Infinity };

function mostOf(planned: readonly Planned[], isApart: boolean): number {
  const wishes = planned.map(({ wanted }) => wanted);
  return isApart ? Math.max(0, ...wishes) : wishes.reduce((sum, wanted) => sum + wanted, 0);
}

function reportOf(
  batch: SettleBatch,
  { wish }: Plan,
  { jobs }: Claimed,
  ms: number,
): QueueEvents['polled'] {
  return { wanted: wish.limit, claimed: jobs.length, settled: batch.settling.length, ms };
}
