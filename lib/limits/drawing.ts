import { DRAWN_AHEAD_MS } from '../job/limit.js';
import type { Drawn, LimitRepository } from '../storage/limits/limit.repository.js';
import type { FleetPermits } from './fleet-permits.js';

interface DrawingParts {
  limits: Pick<LimitRepository, 'draw' | 'giveBackStarts'>;
  pollIntervalMs: number;
  onRoom: () => void;
}

const MOST = 1_000;
const SOONEST_MS = 2;

/** Draws starts of one limit's rate for the next half second, as many as this process could use, and says when they may start. */
export class Drawing {
  private drawAt = 0;
  /** Of the limit, when that was reckoned. */
  private version = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly permits: FleetPermits,
    private readonly parts: DrawingParts,
  ) {}

  /** Answers how long it may rest. */
  async round(): Promise<number> {
    const { permits } = this;
    if (permits.heldMs > 0) return this.rested();
    if (!permits.slots || permits.limit <= 0) return Infinity;
    if (permits.row.version !== this.version) this.drawAt = 0;
    this.version = permits.row.version;
    const now = performance.now();
    const left = permits.slots.left(now);
    const { wished, here } = this.needs;
    if (left >= wished + here) return wished + here === 0 ? this.giveBack() : Infinity;
    if (now < this.drawAt) return this.drawAt - now;
    return this.draw(Math.min(MOST, 2 * (wished + here) - left), Math.max(0, here - left));
  }

  close(): void {
    clearTimeout(this.timer);
  }

  /** What would be claimed, and what was claimed and waits here. */
  private get needs(): { wished: number; here: number } {
    let [wished, here] = [0, 0];
    for (const lane of this.permits.lanes) {
      wished += lane.wish;
      here += lane.coming;
    }
    return { wished, here };
  }

  /** It goes on when the rest is over. */
  private rested(): number {
    this.arm(performance.now() + this.permits.heldMs);
    return this.permits.heldMs + SOONEST_MS;
  }

  /** `here`: for so many jobs it is needed whatever waits in the database. */
  private async draw(starts: number, here: number): Promise<number> {
    const { permits, parts } = this;
    const asked = [...permits.lanes].filter((lane) => lane.wish > 0);
    const lanes = asked.map((lane) => lane.id);
    for (const lane of asked) lane.lookedFor();
    const sentAt = performance.now();
    const drawn = await parts.limits.draw(permits.row.name, { starts, here, lanes });
    const now = performance.now();
    if (!drawn) return parts.pollIntervalMs;
    if (drawn.heldMs > 0) permits.hold(drawn.heldMs);
    permits.slots?.add(drawn, sentAt, now);
    if (drawn.waiting === 0) for (const lane of asked) lane.foundEmpty(now + parts.pollIntervalMs);
    if (drawn.drawn > 0) this.started();
    return this.restAfter(drawn, drawn.waiting + here > 0);
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
    const { permits, parts } = this;
    if (permits.used > 0) return Infinity;
    const unused = permits.slots?.clear();
    if (unused) await parts.limits.giveBackStarts(permits.row.name, unused.starts, unused.fullAt);
    return Infinity;
  }
}
