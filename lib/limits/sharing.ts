import type { LimitRepository, Share, SharedLimit } from '../storage/limits/limit.repository.js';
import { fairShares } from './fair-shares.js';
import type { FleetPermits, LimitedLane } from './fleet-permits.js';

export interface SharingParts {
  limits: Pick<LimitRepository, 'look' | 'take' | 'give'>;
  /** What this process has declared of it; null: nothing. */
  declares: (name: string) => string | null;
  pollIntervalMs: number;
  /** Others may have to give some back, or may get some; `isRule`: it rests. */
  tell: (name: string, isRule?: boolean) => void;
  /** There may be room: for a claim, and for what waits here. */
  onRoom: () => void;
  /** Nothing of it is left here: what was claimed and has not started goes back. */
  onEmptied: (lanes: Iterable<LimitedLane>) => void;
}

/** A process keeps what it was given for this long while it has work, whoever waits: handing on costs two statements and a wake-up. */
const QUANTUM_MS = 500;
/** How often to look where nobody has said anything: what they said may have been lost. */
const LOOK_MS = 5_000;
/** So many looks in a row found permits that others should have taken, and have not. */
const PATIENCE = 2;

/** What this process has to do with one limit's permits, at a look. */
interface Standing {
  lease: string;
  seen: SharedLimit;
  mine: Share | undefined;
  isBusy: boolean;
  wanted: number;
  /** What it should have. */
  target: number;
  /** Others have less than they should. */
  isWanted: boolean;
}

/**
 * Keeps this process's share of a limit: asks for more when it could run more, gives back what others want. Looks are for fairness; what is
 * given, and whether the sum stays within the limit, the row of the limit decides.
 */
export class Sharing {
  private heard = true;
  private lookAt = 0;
  private isKnown = false;
  private patience = 0;
  /** Under which lease, of which version of the limit, and in which lanes. */
  private vouched = '';

  constructor(
    private readonly permits: FleetPermits,
    private readonly parts: SharingParts,
  ) {}

  /** Somebody wants some of it, has given some back, or has changed it. */
  hear(): void {
    this.heard = true;
  }

  /** Another lease has nothing yet. */
  forget(): void {
    this.permits.n = 0;
    this.heard = true;
  }

  /** Nothing is shared of a rate, of a limit per key, and where no lane here obeys it: others see who declares it, and where it is obeyed. */
  private async vouch(lease: string): Promise<number> {
    const { name, version } = this.permits.row;
    const lanes = this.lanes.map(({ id }) => id);
    const now = `${lease} ${version} ${lanes.join()}`;
    const declares = this.parts.declares(name);
    if (this.vouched === now || (declares === null && lanes.length === 0)) return Infinity;
    await this.parts.limits.take(name, { lease, more: 0, wanted: 0, lanes, declares });
    this.vouched = now;
    return Infinity;
  }

  /** Returns how long it may rest. */
  async round(lease: string): Promise<number> {
    const { lanes, row } = this.permits;
    if (lanes.size === 0 || row.concurrency === null) return this.vouch(lease);
    const now = performance.now();
    if (!this.isDue(now)) return this.lookAt - now;
    this.heard = false;
    const standing = await this.look(lease);
    if (!standing) return LOOK_MS;
    this.lookAt = performance.now() + (await this.act(standing));
    return Math.max(1, this.lookAt - performance.now());
  }

  private isDue(now: number): boolean {
    const { n, upTo, used, isLeaving } = this.permits;
    const isHungry =
      !this.isKnown && used >= n && n < this.capacity && this.lanes.some((lane) => lane.wish > 0);
    return (
      this.heard ||
      isHungry ||
      now >= this.lookAt ||
      (used < n && (n > upTo || (isLeaving && !this.hasStarts)))
    );
  }

  private get lanes(): LimitedLane[] {
    return [...this.permits.lanes];
  }

  /** Drawn by any limit of its lanes: without a permit here nobody could use them. */
  private get hasStarts(): boolean {
    return this.lanes.some(({ fleet }) => fleet.permits.some(({ slots }) => !!slots?.left()));
  }

  /** What the tiers of this process let it run. */
  private get capacity(): number {
    const tiers = new Set(this.lanes.map((lane) => lane.narrowest));
    return [...tiers].reduce((sum, { limit }) => sum + limit, 0);
  }

  private async look(lease: string): Promise<Standing | undefined> {
    const { permits, parts } = this;
    const wishing = this.lanes.filter((lane) => lane.wish > 0);
    for (const lane of wishing) lane.lookedFor();
    // A lane that has enough wants more as soon as that has run, which may be before the reply.
    const asked = this.lanes.filter((lane) => lane.wish + lane.coming > 0);
    const seen = await parts.limits.look(permits.row.name, asked.map((lane) => lane.id)); // prettier-ignore
    if (!seen) return undefined;
    if (seen.waiting === 0)
      for (const lane of wishing) lane.foundEmpty(performance.now() + parts.pollIntervalMs);
    const mine = seen.shares.find((share) => share.lease === lease);
    permits.n = mine?.n ?? 0;
    // What only says that the limit is declared names no lanes.
    return this.standingOf(lease, seen, this.vouched ? undefined : mine);
  }

  private standingOf(lease: string, seen: SharedLimit, mine: Share | undefined): Standing {
    const isBusy = seen.waiting > 0 || this.lanes.some((lane) => lane.coming > 0);
    const { used } = this.permits;
    const wanted = isBusy ? Math.max(this.capacity, used) : used;
    const turnMs = mine?.turnMs ?? Infinity;
    return { lease, seen, mine, isBusy, wanted, ...this.targetOf(lease, seen, { wanted, turnMs }) };
  }

  private targetOf(
    lease: string,
    { concurrency, shares }: SharedLimit,
    own: Pick<Share, 'wanted' | 'turnMs'>,
  ) {
    const others = shares.filter((share) => share.lease !== lease);
    const targets = fairShares(concurrency ?? 0, [...others, { ...own, lease, n: this.permits.n }]);
    const isWanted = others.some((other) => other.n < (targets.get(other.lease) ?? 0));
    return { target: targets.get(lease) ?? 0, isWanted };
  }

  /** Returns when to look again. */
  private act(standing: Standing): Promise<number> {
    const { mine, seen, wanted, target, isWanted } = standing;
    const { n } = this.permits;
    const isOver = seen.allotted > (seen.concurrency ?? 0);
    if (target > n) return this.ask(standing, target - n);
    if ((isWanted || isOver) && n > 0) return this.yield(standing);
    this.permits.stay();
    if (n < wanted || !mine) return this.ask(standing, n < wanted ? this.unclaimed(seen) : 0);
    this.isKnown = false;
    return mine.wanted > wanted ? this.giveBack(standing, 0) : Promise.resolve(LOOK_MS);
  }

  /** What others should have and have not taken for some time: they are frozen, or dead. */
  private unclaimed(seen: SharedLimit): number {
    return this.patience >= PATIENCE ? spareOf(seen) : 0;
  }

  private async ask(standing: Standing, more: number): Promise<number> {
    const { wanted, target, seen, mine } = standing;
    const { permits, parts } = this;
    const before = permits.n;
    const isNews = mine?.wanted !== wanted;
    if (more > 0 || isNews) permits.n = await this.take(standing, more);
    permits.stay();
    this.isKnown = permits.n < wanted;
    this.patience = this.isKnown && spareOf(seen) > 0 ? this.patience + 1 : 0;
    if (permits.n > before) parts.onRoom();
    if (permits.n < target && isNews) parts.tell(permits.row.name);
    return this.isKnown ? QUANTUM_MS : LOOK_MS;
  }

  private async take({ lease, wanted }: Standing, more: number): Promise<number> {
    const { name } = this.permits.row;
    const lanes = this.lanes.map((lane) => lane.id);
    const declares = this.parts.declares(name);
    this.vouched = '';
    return (await this.parts.limits.take(name, { lease, more, wanted, lanes, declares })) ?? 0;
  }

  /**
   * What it uses it keeps until it ends; nothing starts meanwhile that others should start. Whoever gives its last permit uses first the starts that it
   * has drawn, or turns that are shorter than the spacing of a rate would lose each of them.
   */
  private async yield(standing: Standing): Promise<number> {
    const { isBusy, target, seen, mine } = standing;
    const isLowered = seen.allotted > (seen.concurrency ?? 0);
    if (isBusy && !isLowered && mine && mine.turnMs < QUANTUM_MS) return QUANTUM_MS - mine.turnMs;
    this.permits.isLeaving = target === 0;
    if (target === 0 && !isLowered && this.hasStarts) return QUANTUM_MS;
    await this.shrink(standing);
    return QUANTUM_MS;
  }

  private async shrink(standing: Standing): Promise<void> {
    const { permits } = this;
    const { target } = standing;
    permits.upTo = target;
    const back = permits.n - Math.max(target, permits.used);
    if (back > 0) await this.giveBack(standing, back);
    if (permits.n <= target) permits.stay();
    if (permits.limit === 0) this.parts.onEmptied(permits.lanes);
  }

  private async giveBack({ lease, wanted }: Standing, back: number): Promise<number> {
    const { permits, parts } = this;
    permits.n = (await parts.limits.give(permits.row.name, { lease, back, wanted })) ?? 0;
    if (back > 0) parts.tell(permits.row.name);
    return LOOK_MS;
  }
}

/** What is kept for calls until it is enough for them is not to be had. */
function spareOf({ concurrency, allotted, shares }: SharedLimit): number {
  const kept = shares.filter(({ isWhole, n }) => isWhole && n === 0);
  const spare = (concurrency ?? 0) - allotted - kept.reduce((sum, { wanted }) => sum + wanted, 0);
  return Math.max(0, spare);
}
