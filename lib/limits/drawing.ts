import { DRAWN_AHEAD_MS } from '../job/limit.js';
import type { Drawn, LimitRepository } from '../storage/limits/limit.repository.js';
import type { FleetPermits, LimitedLane } from './fleet-permits.js';
import type { Unused } from './slots.js';
import { startable } from './startable.js';

interface DrawingParts {
  limits: Pick<LimitRepository, 'draw' | 'giveBackStarts'>;
  pollIntervalMs: number;
  onRoom: () => void;
}

const MOST = 20_000;
const SOONEST_MS = 2;
/** Of what could start at once, as many are drawn: one statement for the next ones, too. */
const AHEAD = 2;
/** So many starts lately, and each claim brought what it asked for: jobs surely wait, and counting them would cost as much as claiming them. */
const FLOWING = 100;
const FLOWING_AHEAD = 3;
/** Then starts for so long are drawn, and others at half of them: a draw that came late would cut the claims. All of them are used in their time. */
const IN_HAND_MS = 80;
/** What started lately may do so twice as often, as long as no drawn start was lost. */
const GROWTH = 2;

/** Draws starts of one limit's rate for the next half second, as many as this process could use, and says when they may start. */
export class Drawing {
  private drawAt = 0;
  /** Of the limit, when that was reckoned. */
  private version = 0;
  private timer: NodeJS.Timeout | undefined;
  /** What others have waited for since before then is theirs. */
  private drewAt = performance.now();
  private lease = '';

  constructor(
    private readonly permits: FleetPermits,
    private readonly parts: DrawingParts,
  ) {}

  /** Returns how long it may rest. */
  async round(lease: string): Promise<number> {
    this.lease = lease;
    await this.returnLapsed();
    const restMs = await this.turn();
    const lapseAt = this.permits.slots?.lapseAt() ?? Infinity;
    return Math.max(SOONEST_MS, Math.min(restMs, lapseAt - performance.now() + SOONEST_MS));
  }

  private async turn(): Promise<number> {
    const { permits } = this;
    if (permits.heldMs > 0) return this.rested();
    if (!permits.slots || permits.limit <= 0) return Infinity;
    if (permits.row.version !== this.version) this.drawAt = 0;
    this.version = permits.row.version;
    const now = performance.now();
    const left = permits.slots.left(now);
    const growth = permits.slots.lapsed(now) > 0 ? 1 : GROWTH;
    const { wished, here } = startable(permits.lanes, growth);
    if (left >= Math.max(wished + here, this.inHand / 2))
      return this.isIdle ? this.giveBack() : permits.keepQuiet();
    if (now < this.drawAt) return this.drawAt - now;
    return this.drawFor(growth, left, Math.max(0, here - left));
  }

  private drawFor(growth: number, left: number, needed: number): Promise<number> {
    const { isFlowing, permits } = this;
    const most = startable(permits.lanes, growth, isFlowing ? FLOWING_AHEAD : AHEAD);
    const starts = Math.min(MOST, Math.max(most.wished + most.here, Math.ceil(this.inHand)) - left);
    return isFlowing ? this.draw(starts, starts, []) : this.draw(starts, needed);
  }

  /** A day would pass for a job that came a moment too late for its start of the day. */
  private async returnLapsed(): Promise<void> {
    const lapsed = this.permits.slots?.takeLapsed();
    if (!lapsed) return;
    this.drawAt = 0;
    await this.return(lapsed);
  }

  private return({ starts, fullAt }: Unused): Promise<void> {
    return this.parts.limits.giveBackStarts(this.permits.row.name, starts, fullAt);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private get isFlowing(): boolean {
    const { lanes, startedLately } = this.permits;
    return (
      startedLately >= FLOWING && [...lanes].every((lane) => lane.wish === 0 || !lane.wasEmpty)
    );
  }

  private get inHand(): number {
    return this.isFlowing ? (this.permits.startedLately * IN_HAND_MS) / DRAWN_AHEAD_MS : 0;
  }

  private get isIdle(): boolean {
    return [...this.permits.lanes].every((lane) => lane.wish + lane.coming === 0);
  }

  /** It goes on when the rest is over. */
  private rested(): number {
    this.arm(performance.now() + this.permits.heldMs);
    return this.permits.heldMs + SOONEST_MS;
  }

  /** `here`: for so many jobs it is needed whatever waits in the database. */
  private async draw(starts: number, here: number, asked = this.wishing): Promise<number> {
    const { permits, parts } = this;
    const lanes = asked.map((lane) => lane.id);
    for (const lane of asked) lane.lookedFor();
    const sentAt = performance.now();
    const waitsMs = sentAt - this.drewAt;
    const wish = { starts, here, lanes, waitsMs, lease: this.lease };
    const drawn = await parts.limits.draw(permits.row.name, wish);
    const now = performance.now();
    if (!drawn) return parts.pollIntervalMs;
    if (drawn.heldMs > 0) permits.hold(drawn.heldMs);
    permits.drew(drawn, sentAt, now);
    if (drawn.waiting === 0) for (const lane of asked) lane.foundEmpty(now + parts.pollIntervalMs);
    if (drawn.drawn > 0) this.started();
    if (drawn.drawn > 0) this.drewAt = sentAt;
    return this.restAfter(drawn, drawn.waiting + here > 0);
  }

  /** In which to look for jobs that wait. */
  private get wishing(): LimitedLane[] {
    return [...this.permits.lanes].filter((lane) => lane.wish > 0);
  }

  /** Until the next start comes into reach, where none was. */
  private restAfter({ drawn, firstMs }: Drawn, isNeeded: boolean): number {
    const restMs = drawn > 0 ? 0 : Math.max(0, firstMs - DRAWN_AHEAD_MS);
    this.drawAt = performance.now() + restMs;
    return isNeeded ? restMs + SOONEST_MS : Infinity;
  }

  private started(): void {
    this.parts.onRoom();
    this.arm(this.permits.slots?.nextAt() ?? Infinity);
  }

  /** Not one of the loop's rests: a start waits for no statement. */
  private arm(at: number): void {
    clearTimeout(this.timer);
    if (at === Infinity) return;
    this.timer = setTimeout(
      () => this.started(),
      Math.max(1, Math.ceil(at - performance.now())),
    ).unref();
  }

  /** Nothing waits here any more: others may use what was drawn. */
  private async giveBack(): Promise<number> {
    if (this.permits.used > 0) return Infinity;
    const unused = this.permits.slots?.clear();
    if (unused) await this.return(unused);
    return Infinity;
  }
}
