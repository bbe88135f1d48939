import { setTimeout } from 'node:timers/promises';
import { FleetLimits } from '../limits/fleet-limits.js';
import { lateMsOf, SLOW_TRIES } from '../limits/lateness.js';
import { queueOfKeys } from '../job/limit.js';
import type { Lane } from '../job/lane.js';
import type { Site } from '../maintenance/duties.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Lent, LimitRow } from '../storage/limits/limit.repository.js';

/** A pulled claim of lanes of one queue. */
interface LimitedWish {
  lease: string;
  worker: string;
  lanes: number[];
  limit: number;
  /** What it has of each limit that it obeys, once it has claimed. */
  loans: Loan[];
}

/** Starts that a claim has used, and when it asked for them. */
export interface Loan {
  name: string;
  starts: number;
  askedAt: number;
  /** So long after that the first of them might start. */
  firstMs: number;
  /** For giving them back; undefined: some of them went back already. */
  fullAt: string | undefined;
  /** Its permits were freed before it had claimed. */
  isLost: boolean;
  /** Nobody knows whether they are held. */
  failure?: unknown;
}

type Kept = Pick<Loan, 'isLost' | 'failure'>;

/** What is lent and comes to no lease is free again after so many times of a statement. */
const KEEP_SHARE = 3;

/** Claims of remote workers from queues with a limit across the fleet: each is lent what it may claim, and keeps what it has claimed. */
export class LimitedPulls {
  private readonly fleet: FleetLimits;
  /** The database was, at last. */
  private isSlow = false;

  constructor(private readonly parts: Pick<Site, 'storage' | 'options' | 'events'>) {
    this.fleet = new FleetLimits(parts);
  }

  /** Declares what this process says of limits, before its first claim. */
  async open(): Promise<void> {
    if (this.fleet.declaresAny && this.fleet.version === 0) await this.fleet.declare(undefined);
  }

  /** What the promoter saw: the sum of the versions. */
  async learn(version: number): Promise<void> {
    if (version === this.fleet.version) return;
    await this.fleet.read();
    if (this.fleet.hasLost) await this.fleet.declare(undefined);
  }

  isLimited(queue: string): boolean {
    return this.of(queue).length > 0;
  }

  /** Some queue has a limit per key. */
  get hasKeys(): boolean {
    return this.fleet.all().some(({ name }) => queueOfKeys(name) !== undefined);
  }

  /** The queues of these lanes that have a limit, with their lanes. */
  among(lanes: Iterable<Lane>): Map<number, number[]> {
    const limited = new Map<number, number[]>();
    if (this.fleet.version === 0) return limited;
    for (const { id, queue, queueId } of lanes)
      if (this.isLimited(queue)) limited.set(queueId, [...(limited.get(queueId) ?? []), id]);
    return limited;
  }

  /** `claim` is told how many jobs it may bring. Nothing is lent where none of these lanes has any. */
  async claim(
    queue: string,
    wish: LimitedWish,
    claim: (most: number) => Promise<ClaimedRow[]>,
  ): Promise<ClaimedRow[]> {
    const [first, ...others] = this.of(queue).map(({ name }) => name);
    if (first === undefined) return claim(wish.limit);
    const seen = await this.parts.storage.limits.look(first, wish.lanes);
    return seen?.waiting === 0 ? [] : this.within(first, others, wish, claim);
  }

  /** Of one limit after another, each no more than those before it have lent: all of them, or nothing is claimed. */
  private async within(
    name: string,
    [next, ...others]: string[],
    wish: LimitedWish,
    claim: (most: number) => Promise<ClaimedRow[]>,
  ): Promise<ClaimedRow[]> {
    const { limits, signals } = this.parts.storage;
    const keepMs = KEEP_SHARE * this.parts.options.queryTimeoutMs;
    const claimAtMost = (limit: number): Promise<ClaimedRow[]> =>
      next === undefined ? claim(limit) : this.within(next, others, { ...wish, limit }, claim);
    const askedAt = performance.now();
    const lent = await limits.lend(name, { ...wish, keepMs });
    if (!lent) return claimAtMost(wish.limit);
    if (lent.isNew) signals.tellOfLimit(name);
    if (lent.lent === 0) return [];
    let used = 0;
    try {
      if (lent.startMs > 0) await setTimeout(Math.ceil(lent.startMs));
      const rows = await claimAtMost(lent.lent);
      used = rows.length;
      return rows;
    } finally {
      const { fullAt, firstMs } = lent;
      const kept = await this.kept(name, wish.lease, used, lent);
      const loan = { name, starts: used, askedAt, firstMs, fullAt: used < lent.lent ? undefined : fullAt, ...kept }; // prettier-ignore
      if (used > 0) wish.loans.push(loan);
    }
  }

  /** What is claimed already would be nobody's until its lease ends, were an error thrown here. */
  private async kept(name: string, lease: string, used: number, lent: Lent): Promise<Kept> {
    const { holdsPermits } = lent;
    if (used === lent.lent && !holdsPermits) return { isLost: false };
    try {
      const isKept = await this.parts.storage.limits.keepLent(name, lease, used, lent);
      return { isLost: holdsPermits && !isKept };
    } catch (failure) {
      return holdsPermits ? { isLost: true, failure } : { isLost: false };
    }
  }

  /** More time has passed since a question than its starts asked for, and than its rate bears: also while those of the next limit were waited for. Or than permits are lent for. */
  areLate(loans: readonly Loan[], tries: number): boolean {
    if (loans.length === 0) return false;
    if (loans.some(({ isLost }) => isLost)) return true;
    const now = performance.now();
    const isLate = loans.some(({ name, askedAt, firstMs }) => {
      const row = this.fleet.get(name);
      return row !== undefined && now - askedAt - firstMs > lateMsOf(row);
    });
    this.isSlow = isLate && (this.isSlow || tries >= SLOW_TRIES);
    return isLate && !this.isSlow;
  }

  /** Its jobs went back unrun. */
  async returnStarts(loans: readonly Loan[]): Promise<void> {
    const { limits } = this.parts.storage;
    for (const { name, starts, fullAt } of loans)
      if (fullAt !== undefined) await limits.giveBackStarts(name, starts, fullAt);
  }

  /** A job of the lease is settled. */
  async settled(queue: string, lease: string): Promise<void> {
    for (const { name, concurrency } of this.of(queue)) {
      if (concurrency === null) continue;
      // The job is settled whatever comes of this: a permit that is not returned goes with its lease.
      await this.parts.storage.limits.returnPermit(name, lease).catch(() => undefined);
      this.parts.storage.signals.tellOfLimit(name);
    }
  }

  /** The limits that hold for pulled jobs of a queue. */
  private of(queue: string): LimitRow[] {
    const { uses = [] } = this.parts.options.queues.get(queue) ?? {};
    return this.fleet.of(queue, uses);
  }
}
