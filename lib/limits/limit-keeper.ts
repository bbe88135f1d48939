import type { LimitRepository, LimitRow } from '../storage/limits/limit.repository.js';
import { Drawing } from './drawing.js';
import { saysNothing, type FleetLimits } from './fleet-limits.js';
import { FleetPermits, type LimitedLane } from './fleet-permits.js';
import { Sharing, type SharingParts } from './sharing.js';

interface LimitKeeperParts extends Pick<
  SharingParts,
  'pollIntervalMs' | 'tell' | 'onRoom' | 'onEmptied'
> {
  limits: LimitRepository;
  fleet: FleetLimits;
  /** Of this process; undefined: it may claim nothing now. */
  lease: () => string | undefined;
  /** Lanes may have other limits than before. */
  onChange: () => void;
  wake: () => void;
  /** Rests are stored, and not obeyed here. */
  isUnpaced?: boolean | undefined;
}

interface Kept {
  permits: FleetPermits;
  sharing: Sharing;
  drawing: Drawing;
}

/** A declaration that was overruled is made again: who overruled it may be gone. */
const DECLARE_MS = 5_000;

/** What a worker has of the limits that its lanes obey or it declares, one round after another. Where nothing is limited, it asks nothing. */
export class LimitKeeper {
  private readonly kept = new Map<string, Kept>();
  /** What is being told to rest, and until when. */
  private readonly holding = new Map<string, number>();
  private told: Promise<void> = Promise.resolve();
  private lease = '';
  private declareAt = 0;

  constructor(private readonly parts: LimitKeeperParts) {}

  /** Before the first claim. @throws QueueError `LIMIT_NAME_TAKEN`. */
  async open(): Promise<void> {
    if (!this.parts.fleet.declaresAny) return;
    await this.declare();
  }

  /** What the promoter saw: the sum of the versions. */
  async learn(version: number): Promise<void> {
    if (version === this.parts.fleet.version) return;
    await this.parts.fleet.read();
    if (this.parts.fleet.hasLost) return this.declare();
    this.applyAll();
  }

  /** At once here, and everywhere as soon as it is heard of. What cannot be told now is told by the next 429. */
  slowDown(queue: string, uses: readonly string[], ms: number): void {
    const ofQueue = uses.length === 0;
    const names = ofQueue ? [queue] : uses;
    this.told = Promise.allSettled([
      this.told,
      ...names.map((name) => this.hold(name, ofQueue, ms)),
    ]).then(() => undefined);
  }

  /** A hundred jobs may be told the same within one moment: what they say meanwhile leaves together. */
  private async hold(name: string, ofQueue: boolean, ms: number): Promise<void> {
    const permits = this.kept.get(name)?.permits;
    if (permits?.row.ofQueue === ofQueue && permits.heldMs < ms) permits.hold(ms);
    const key = `${name} ${ofQueue}`;
    const before = this.holding.get(key);
    this.holding.set(key, Math.max(performance.now() + ms, before ?? 0));
    if (before !== undefined) return;
    try {
      for (let said = 0; this.holding.get(key)! > said;) {
        said = this.holding.get(key)!;
        await this.holdUntil(said, name, ofQueue);
      }
    } finally {
      this.holding.delete(key);
    }
  }

  private async holdUntil(until: number, name: string, ofQueue: boolean): Promise<void> {
    const { fleet, limits, tell } = this.parts;
    const isHeld = await limits.hold(name, ofQueue, until - performance.now()).catch(() => true);
    if (!isHeld) fleet.cannotRest(name);
    tell(name, true);
    // A queue without a limit has one now.
    await fleet.read();
    this.applyAll();
  }

  /** Somebody has told of a limit. */
  hear(name: string): void {
    this.kept.get(name)?.sharing.hear();
    this.parts.wake();
  }

  /** The limits that a queue's jobs obey where these are used. */
  of(queue: string, uses: readonly string[]): FleetPermits[] {
    return this.parts.fleet.of(queue, uses).map((row) => this.keep(row).permits);
  }

  /** Those that lanes obey here. */
  get active(): FleetPermits[] {
    return [...this.kept.values()]
      .map(({ permits }) => permits)
      .filter(({ lanes }) => lanes.size > 0);
  }

  async round(): Promise<number> {
    const lease = this.parts.lease();
    const isNeeded = this.active.length > 0 || this.parts.fleet.declaresAny;
    if (!lease) return isNeeded ? this.parts.pollIntervalMs : Infinity;
    if (lease !== this.lease) this.begin(lease);
    let restMs = await this.declareAgain();
    for (const { permits, sharing, drawing } of this.kept.values()) {
      restMs = Math.min(restMs, await sharing.round(lease));
      if (permits.lanes.size === 0) continue;
      // Nobody may have reported the jobs that the next poll would find.
      restMs = Math.min(restMs, this.parts.pollIntervalMs, await drawing.round(lease));
    }
    if (this.active.some(isOver)) this.parts.onChange();
    return restMs;
  }

  /** All that this process has goes back, once the rests that it was told are stored. */
  async close(): Promise<void> {
    await this.told;
    for (const { permits, drawing } of this.kept.values()) {
      const { name } = permits.row;
      drawing.close();
      if (!this.lease) continue;
      await this.parts.limits.end(name, this.lease);
      this.parts.tell(name);
    }
  }

  /** Nothing stands under a lease yet: what this process declares has to be said again, and what it has of limits asked for. */
  private begin(lease: string): void {
    for (const { sharing } of this.kept.values()) sharing.forget();
    this.lease = lease;
  }

  private keep(row: LimitRow): Kept {
    let kept = this.kept.get(row.name);
    if (!kept) {
      const { parts } = this;
      const permits = new FleetPermits(row, parts.wake, !parts.isUnpaced);
      const declares = (name: string): string | null => parts.fleet.declares(name);
      kept = {
        permits,
        sharing: new Sharing(permits, { ...parts, declares }),
        drawing: new Drawing(permits, parts),
      };
      this.kept.set(row.name, kept);
    }
    return kept;
  }

  private async declare(): Promise<void> {
    await this.parts.fleet.declare(this.parts.lease());
    this.declareAt = performance.now() + DECLARE_MS;
    this.applyAll();
  }

  private async declareAgain(): Promise<number> {
    if (!this.parts.fleet.isContradicted) return Infinity;
    if (performance.now() >= this.declareAt) await this.declare();
    return DECLARE_MS;
  }

  private applyAll(): void {
    const { fleet } = this.parts;
    for (const row of fleet.all()) if (fleet.declares(row.name) !== null) this.keep(row);
    for (const [name, { permits, sharing }] of this.kept) {
      const row = fleet.get(name);
      if (!row) this.kept.delete(name);
      else if (row.version !== permits.row.version) {
        permits.apply(row);
        sharing.hear();
      }
    }
    this.parts.onChange();
    this.parts.wake();
  }
}

/** Its rest is over, and it says nothing else: nobody has to obey it any more. */
const isOver = ({ row, heldMs }: FleetPermits): boolean => saysNothing(row) && heldMs === 0;

export type { LimitedLane };
