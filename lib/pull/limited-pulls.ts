import { FleetLimits } from '../limits/fleet-limits.js';
import { queueOfKeys } from '../job/limit.js';
import type { Lane } from '../job/lane.js';
import type { Site } from '../maintenance/duties.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';

/** A pulled claim of lanes of one queue. */
interface LimitedWish {
  lease: string;
  worker: string;
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
    return this.fleet.get(queue)?.ofQueue ?? false;
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
    lanes: number[],
    { lease, worker, limit }: LimitedWish,
    claim: (most: number) => Promise<ClaimedRow[]>,
  ): Promise<ClaimedRow[]> {
    const { limits } = this.parts.storage;
    const seen = await limits.look(queue, lanes);
    if (seen?.waiting === 0) return [];
    const keepMs = KEEP_SHARE * this.parts.options.queryTimeoutMs;
    const lent = await limits.lend(queue, { lease, holder: worker, atMost: limit, keepMs });
    if (!lent) return seen ? [] : claim(limit);
    let used = 0;
    try {
      const rows = await claim(lent.lent);
      used = rows.length;
      return rows;
    } finally {
      await limits.keepLent(queue, lease, used, lent);
    }
  }

  /** A job of the lease is settled. */
  async settled(queue: string, lease: string): Promise<void> {
    if (!this.isLimited(queue)) return;
    await this.parts.storage.limits.returnPermit(queue, lease);
    this.parts.storage.signals.tellOfLimit(queue);
  }
}
