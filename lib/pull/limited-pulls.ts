import { setTimeout } from 'node:timers/promises';
import { FleetLimits } from '../limits/fleet-limits.js';
import { queueOfKeys } from '../job/limit.js';
import type { Lane } from '../job/lane.js';
import type { Site } from '../maintenance/duties.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';

/** A pulled claim of lanes of one queue. */
interface LimitedWish {
  lease: string;
  worker: string;
  lanes: number[];
  limit: number;
}

/** What is lent and comes to no lease is free again after so many times of a statement. */
const KEEP_SHARE = 3;

/** Claims of remote workers from queues with a limit across the fleet: each is lent what it may claim, and keeps what it has claimed. */
export class LimitedPulls {
  private readonly fleet: FleetLimits;

  constructor(private readonly parts: Pick<Site, 'storage' | 'options' | 'events'>) {
    const { storage, options, events } = parts;
    this.fleet = new FleetLimits({ limits: storage.limits, options, events });
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
    const [first, ...others] = this.of(queue);
    const seen = await this.parts.storage.limits.look(first!, wish.lanes);
    return seen?.waiting === 0 ? [] : this.within(first!, others, wish, claim);
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
      await limits.keepLent(name, wish.lease, used, lent);
    }
  }

  /** A job of the lease is settled. */
  async settled(queue: string, lease: string): Promise<void> {
    for (const name of this.of(queue)) {
      await this.parts.storage.limits.returnPermit(name, lease);
      this.parts.storage.signals.tellOfLimit(name);
    }
  }

  /** The names of the limits that hold for pulled jobs of a queue. */
  private of(queue: string): string[] {
    const { uses = [] } = this.parts.options.queues.get(queue) ?? {};
    const isOf = (name: string): boolean => this.fleet.get(name)?.ofQueue === (name === queue);
    return [queue, ...new Set(uses)].filter(isOf);
  }
}
