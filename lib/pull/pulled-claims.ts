import type { Site } from '../maintenance/duties.js';
import { Rota } from '../maintenance/rota.js';
import type { News } from '../maintenance/site.js';
import { TallyKeeper } from '../maintenance/tally-keeper.js';
import { QueuePolicies, type ByQueue, type EndPolicy } from '../options/queue-policy.js';
import { Pace } from '../runtime/pace.js';
import { startingBehind } from '../runtime/starting-behind.js';
import { Uuid7 } from '../runtime/uuid7.js';
import { timedOut } from '../storage/connection/database-errors.js';
import { LaneTurns } from '../storage/lanes/lane-turns.js';
import type { Lane } from '../job/lane.js';
import { strayPlaces } from '../settle/strays.js';
import type { Signal } from '../storage/wake-ups/signals.js';
import { wakeUpFor } from '../storage/wake-ups/wake-up.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { CheckedClaim } from './claim-request.js';
import { FairRotations } from './fair-rotations.js';
import { LimitedPulls, type Loan } from './limited-pulls.js';

export interface PulledRows {
  leaseId: string;
  rows: ClaimedRow[];
  /** Where they are from. */
  lanes: ReadonlyMap<number, Lane>;
  /** What they took of limits. */
  loans: readonly Loan[];
}

/** Where claims of a wish have got to: each starts behind it, so that a backlog delays what is behind it by one claim. */
interface Last {
  way: number | undefined;
  queue: number | undefined;
  /** By queue: the last lane. */
  lanes: Map<number, number>;
  /** Nothing was there at last. */
  isEmpty: boolean;
}

/** Wishes whose lanes are remembered: each kind of worker has one. */
const MAX_WISHES = 100;
/** The way that is no fair lane's; no lane has this number. */
const PLAIN = 0;
/** A claim that brought nothing but strays is made again. */
const STRAY_ROUNDS = 10;
/** A signal of later jobs: soon, but not for each of a thousand. */
const LATER_MS = 50;
/** How often lanes are looked up anew, whatever the registry seems to say. */
const ANEW_MS = 30_000;

/** Claims for workers outside of this process, from the lanes that they serve. */
export class PulledClaims {
  private readonly ids = new Uuid7();
  /** By wish: the lanes that it means. */
  private readonly served = new Map<string, Map<number, Lane>>();
  private readonly turnsOf = new Map<string, LaneTurns>();
  /** By wish: what brought something at last, and the last lane that a full claim came to. */
  private readonly last = new Map<string, Last>();
  private registry: number | undefined;
  private paused: readonly number[] = [];
  private version = 0;
  private readAt = -Infinity;
  private readonly fair: FairRotations;
  readonly limited: LimitedPulls;
  private readonly pace: Pace;
  private readonly policies: ByQueue<EndPolicy>;
  /** New lanes, jobs that have come due, turns of ordered groups, staged jobs that nobody committed. A process without a worker has nobody else who looks. */
  private readonly rota: Rota;

  constructor(private readonly parts: Pick<Site, 'storage' | 'options' | 'events'>) {
    const { storage, options } = parts;
    this.fair = new FairRotations(storage.pulls);
    this.limited = new LimitedPulls(parts);
    this.pace = new Pace(options.queryTimeoutMs);
    this.policies = new QueuePolicies(options).ends();
    const site = {
      ...parts,
      lookEveryMs: options.pollIntervalMs,
      lanes: () => this.lanes(),
      apply: (news: News) => this.apply(news),
    };
    this.rota = new Rota(site, ['promote', 'expire', 'turn', 'permit', 'advance', 'tally']);
    this.rota.wake('tally');
    const unsubscribe = storage.signals.receive((signal) => this.hear(signal));
    const tally = new TallyKeeper(parts);
    storage.beforeClose(() => {
      unsubscribe();
      return tally.round().then(nothing, nothing);
    });
  }

  /** What this process stores for later, or in lanes of fair queues that are not known yet, the promoter's look finds; it says what is paused, too. */
  private hear({ lanes, later, fair, pauses }: Signal): void {
    const isNew = fair && this.fair.among(lanes).length < lanes.length;
    if (later || isNew || pauses) this.rota.wake('promote', pauses ? 0 : LATER_MS);
  }

  /** A turn of an ordered group has become vacant, a permit free, or a step has ended: the next claim has the rest. */
  turnEnded({ isOrdered, isKeyed }: { isOrdered: boolean; isKeyed: boolean }): void {
    if (isOrdered) this.rota.wake('turn');
    if (isKeyed) this.rota.wake('permit');
    this.rota.wake('advance');
  }

  async claim(wish: CheckedClaim, rounds = STRAY_ROUNDS): Promise<PulledRows> {
    await this.limited.open();
    await this.lanesFor(wish);
    if (this.limited.hasKeys) this.rota.wake('permit');
    await this.rota.turn();
    const leaseId = this.ids.next();
    const lanes = await this.lanesFor(wish);
    const limit = Math.min(wish.limit, this.pace.most);
    const last = this.lastOf(wish);
    const asked = inTurn(lanes, last);
    const ways = this.waysOf(lanes);
    for (const way of startingBehind(ways, last.way)) {
      const loans: Loan[] = [];
      const rows = await this.inTime(
        () => this.claimBy(way, { ...wish, limit }, leaseId, { lanes, asked, loans }),
        limit,
      );
      if (rows.length === 0) continue;
      last.way = way;
      last.isEmpty = false;
      if (way === PLAIN && rows.length === limit) note(last, rows, { lanes, asked });
      const own = await this.own(leaseId, rows, lanes);
      return own.length > 0 || rounds === 0
        ? { leaseId, rows: own, lanes, loans }
        : this.claim(wish, rounds - 1);
    }
    last.isEmpty = true;
    return { leaseId, rows: [], lanes, loans: [] };
  }

  /** Without what stood in a place that is not its job's: that is turned away, or goes back with the lease. */
  private async own(
    leaseId: string,
    rows: ClaimedRow[],
    lanes: ReadonlyMap<number, Lane>,
  ): Promise<ClaimedRow[]> {
    const isOwn = ({ ownLane, lane }: ClaimedRow): boolean =>
      ownLane === undefined && lanes.has(lane);
    if (rows.every(isOwn)) return rows;
    const { storage, events } = this.parts;
    const own = rows.filter(isOwn);
    const strays = rows.filter((row) => !isOwn(row));
    const kept = new Set(own.map(({ id }) => id));
    const placed = await storage.pulls.turnAway(leaseId, strays, kept).catch(() => []);
    if (placed.length > 0) storage.signals.send(wakeUpFor(placed));
    events.emit('warning', () => strayPlaces(strays.map(({ id }) => id)));
    return own;
  }

  private lastOf(wish: CheckedClaim): Last {
    const key = keyOf(wish);
    const last = this.last.get(key) ?? {
      way: undefined,
      queue: undefined,
      lanes: new Map(),
      isEmpty: false,
    };
    if (this.last.size >= MAX_WISHES) this.last.clear();
    this.last.set(key, last);
    return last;
  }

  /** A claim that was too much for its time asks for less when it is made again. */
  private async inTime(claim: () => Promise<ClaimedRow[]>, limit: number): Promise<ClaimedRow[]> {
    const sentAt = performance.now();
    try {
      const rows = await claim();
      this.pace.took(rows.length, performance.now() - sentAt);
      return rows;
    } catch (error) {
      if (timedOut(error)) this.pace.missed(limit);
      throw error;
    }
  }

  /** All plain queues together, each lane of a fair one, and each limited queue (by the negative of its number). What is lent to a paused one is kept from others for nothing. */
  private waysOf(lanes: ReadonlyMap<number, Lane>): number[] {
    const open = [...lanes.values()].filter(({ queueId }) => !this.paused.includes(queueId));
    const limited = [...this.limited.among(open).keys()].map((queue) => -queue);
    const fair = this.fair.among(open.map(({ id }) => id));
    return [...(lanes.size > 0 ? [PLAIN] : []), ...fair, ...limited];
  }

  /** What brings something is the claim. */
  private claimBy(
    way: number,
    wish: CheckedClaim,
    lease: string,
    { lanes, asked, loans }: Pick<PulledRows, 'lanes'> & { asked: number[]; loans: Loan[] },
  ): Promise<ClaimedRow[]> {
    const { workerId: worker, leaseMs, limit, suspects } = wish;
    const limited = this.limited.among(lanes.values());
    const terms = { lease, worker, leaseMs };
    const plain = (ids: number[], most: number) =>
      this.parts.storage.pulls.claim({
        ...terms,
        lanes: ids,
        limit: most,
        suspects: Math.min(suspects, most),
      });
    const fair = (most: number) => this.fair.claim({ ...terms, lane: way, limit: most });
    const within = (id: number, ids: number[], claim: (most: number) => Promise<ClaimedRow[]>) =>
      this.limited.claim(lanes.get(id)!.queue, { lease, worker, lanes: ids, limit, loans }, claim);
    if (way < 0) {
      // It may have gone meanwhile: its jobs are among the plain ones then.
      const ids = limited.get(-way);
      return ids ? within(ids[0]!, ids, (most) => plain(ids, most)) : Promise.resolve([]);
    }
    if (way === PLAIN) {
      const apart = new Set([...limited.values()].flat());
      return plain(asked.filter((id) => !apart.has(id)), limit); // prettier-ignore
    }
    return this.limited.isLimited(lanes.get(way)!.queue) ? within(way, [way], fair) : fair(limit);
  }

  /** Looked up once for each kind of wish, and again where the registry has changed, or this process has added to it. */
  private async lanesFor(wish: CheckedClaim): Promise<Map<number, Lane>> {
    const key = keyOf(wish);
    const { version } = this.parts.storage.lanes;
    if (version !== this.version) this.served.clear();
    this.version = version;
    const known = this.served.get(key);
    const turns = this.turnsOf.get(key) ?? new LaneTurns(this.parts.storage.lanes, wish.labels);
    if (known && !turns.isDue(this.last.get(key)?.isEmpty ?? false)) return known;
    const served = new Map(
      (await turns.read(wish.queues!.map((queue) => ({ queue })))).map((lane) => [lane.id, lane]),
    );
    if (this.served.size >= MAX_WISHES) this.served.clear();
    if (this.turnsOf.size >= MAX_WISHES) this.turnsOf.clear();
    await this.parts.storage.leases.declare([...served.keys()], this.policies);
    this.turnsOf.set(key, turns);
    this.served.set(key, served);
    return served;
  }

  private lanes(): number[] {
    return [...new Set([...this.served.values()].flatMap((lanes) => [...lanes.keys()]))];
  }

  private async apply({ fair, registry, limits, pausedQueues }: News): Promise<void> {
    this.paused = pausedQueues;
    this.fair.expect(fair);
    await this.limited.learn(limits);
    const now = performance.now();
    if (registry === this.registry && now - this.readAt < ANEW_MS) return;
    this.registry = registry;
    this.readAt = now;
    this.served.clear();
  }
}

const nothing = (): void => undefined;

/** A full claim: the next one begins behind the last lane that it came to. */
function note(
  last: Last,
  rows: readonly ClaimedRow[],
  { lanes, asked }: { lanes: ReadonlyMap<number, Lane>; asked: readonly number[] },
): void {
  const reached = lanes.get(asked.findLast((id) => rows.some(({ lane }) => lane === id))!);
  last.queue = reached?.queueId;
  if (reached) last.lanes.set(reached.queueId, reached.id);
}

/** Queue by queue, from behind that which had the last claim; of each its lanes, from behind the last one. */
function inTurn(lanes: ReadonlyMap<number, Lane>, last: Last): number[] {
  const queues = new Map<number, number[]>();
  for (const { id, queueId } of lanes.values()) {
    const own = queues.get(queueId);
    if (own) own.push(id);
    else queues.set(queueId, [id]);
  }
  return startingBehind([...queues.keys()], last.queue).flatMap((queue) =>
    startingBehind(queues.get(queue)!, last.lanes.get(queue)),
  );
}

const keyOf = ({ queues, labels }: CheckedClaim): string =>
  JSON.stringify([queues, [...labels].sort()]);
