import { DRAWN_AHEAD_MS } from '../job/limit.js';
import { Permits } from '../runtime/permits.js';
import type { Drawn, LimitRow } from '../storage/limits/limit.repository.js';
import { Lately } from './lately.js';
import { lateMsOf } from './lateness.js';
import { Slots } from './slots.js';

/** A lane as its limits see it. */
export interface LimitedLane {
  readonly id: number;
  /** Calls that will be made of what is here and on its way. */
  readonly coming: number;
  /** Calls that it would ask for now, were it not for limits across the fleet. */
  readonly wish: number;
  /** The last claim brought fewer than it asked for. */
  readonly wasEmpty: boolean;
  /** The tier of this process that bounds it most. */
  readonly narrowest: Permits;
  /** All limits that it obeys. */
  readonly fleet: { readonly permits: readonly FleetPermits[] };
  /** Its jobs are looked for, not only claimed. */
  lookedFor(): void;
  /** None was there: it is left alone until then. */
  foundEmpty(nextLookAt: number): void;
}

/** Of so many that are left, half are kept in hand while others are drawn. */
const MANY = 100;

/**
 * What this process may run under one limit of the fleet: its share of the permits, and the starts that it has drawn. It is among the
 * permits of each lane that obeys the limit, so that a start takes all of them or none, and costs nothing more.
 */
export class FleetPermits extends Permits {
  readonly lanes = new Set<LimitedLane>();
  /** Drawn starts; undefined: the limit has no rate. */
  slots: Slots | undefined;
  /** Permits that this process has, under its lease. */
  n = 0;
  /** Of them it uses so many: others wait for the rest. */
  upTo = Infinity;
  /** Others have their turn as soon as the starts that were drawn here are used: no more are drawn. */
  isLeaving = false;
  private readonly started = new Lately(DRAWN_AHEAD_MS);
  private heldUntil = -Infinity;
  /** Behind so many starts it is worth a look: the next ones are drawn before these are used up, so that nobody waits for them. */
  private quietStarts = 0;

  constructor(
    private rule: LimitRow,
    /** Something came free, or was used up: the share is worth a look. */
    private readonly onChange: () => void,
    /** It obeys its rests. */
    private readonly rests = true,
  ) {
    super(Infinity);
    this.pace();
    this.hold(rule.heldMs);
  }

  get row(): LimitRow {
    return this.rule;
  }

  /** Another rule keeps the share; starts that were drawn by the old one are forgotten. */
  apply(row: LimitRow): void {
    const before = this.rule;
    this.rule = row;
    if (row.rule !== before.rule) this.pace();
    this.hold(row.heldMs);
  }

  hold(ms: number): void {
    if (!this.rests) return;
    this.heldUntil = ms > 0 ? performance.now() + ms : -Infinity;
    if (ms > 0) this.slots?.clear();
  }

  get heldMs(): number {
    return this.heldUntil === -Infinity ? 0 : Math.max(0, this.heldUntil - performance.now());
  }

  override get limit(): number {
    return this.rule.concurrency === null ? Infinity : Math.min(this.n, this.upTo);
  }

  override get free(): number {
    if (this.heldMs > 0) return 0;
    const free = this.limit - this.used;
    return this.slots ? Math.min(free, this.slots.free()) : free;
  }

  override take(quickAt?: number): void {
    super.take(quickAt);
    const now = quickAt ?? performance.now();
    this.started.count(1, now);
    if (!this.slots) return;
    this.slots.take(now);
    if (this.quietStarts > 1) {
      this.quietStarts--;
      return;
    }
    if (this.quietStarts === 1 || this.claimable === 0) this.onChange();
    this.quietStarts = 0;
  }

  drew(drawn: Drawn, sentAt: number, at: number): void {
    this.slots?.add(drawn, sentAt, at);
    this.keepQuiet();
  }

  /** Until half of what is left is used. */
  keepQuiet(): number {
    const left = this.slots?.left() ?? 0;
    this.quietStarts = left >= MANY ? Math.ceil(left / 2) : 0;
    return Infinity;
  }

  override giveBack(): void {
    super.giveBack();
    const isDrawn = this.quietStarts > 0 && this.used > 0;
    if ((this.slots && !isDrawn) || this.isLeaving || this.upTo < this.n) this.onChange();
  }

  /** It uses what it has again. */
  stay(): void {
    this.upTo = Infinity;
    this.isLeaving = false;
  }

  /** Calls that its permits let start in the time that starts are drawn for: what is free, and what came free lately, times `growth`. */
  soon(growth: number): number {
    if (this.rule.concurrency === null) return Infinity;
    if (this.limit <= 0 || this.isLeaving || this.heldMs > 0) return 0;
    return Math.max(0, this.limit - this.used) + growth * this.started.many();
  }

  /** Within the last half second or so. */
  get startedLately(): number {
    return this.started.many();
  }

  /** No place in line for starts that nobody has drawn. */
  override isQuick(since: number): boolean {
    return this.limit > 0 && !this.slots && this.heldMs === 0 && super.isQuick(since);
  }

  /** Calls that may be claimed for: with a share as many as the tiers of the process let in, of a rate what is drawn. */
  get claimable(): number {
    if (this.limit <= 0 || this.heldMs > 0) return 0;
    if (!this.slots) return Infinity;
    let spoken = 0;
    for (const lane of this.lanes) spoken += lane.coming;
    return Math.max(0, this.slots.left() - spoken);
  }

  private pace(): void {
    const lateMs = lateMsOf(this.rule);
    this.slots = lateMs === Infinity ? undefined : new Slots(lateMs);
  }
}
