import type { Promotion } from '../storage/claim/promotion.js';
import { wakeUpAfter } from '../storage/wake-ups/wake-up.js';
import type { SiteOf } from './site.js';

const FULL_BATCH = 1_000;
/** How far behind the last promoted time a round looks, and how often a round looks everywhere: for what was committed late. */
const LOOK_BACK_MS = 60_000;
const EVERYWHERE_EVERY_MS = 30_000;
const LONG_AGO = '-infinity';

/** Moves due jobs to where they may run, and knows when the next one is due. */
export class Promoter {
  private until: string | undefined;
  private lookedEverywhereAt = -Infinity;

  constructor(private readonly site: SiteOf<'tick' | 'turn' | 'expire' | 'permit' | 'advance'>) {}

  async round(): Promise<number> {
    const { storage, lanes, apply } = this.site;
    const promotion = await storage.claims.promote(this.since(performance.now()), lanes());
    const until = Date.parse(promotion.until ?? '') - LOOK_BACK_MS;
    if (!Number.isNaN(until)) this.until = new Date(until).toISOString();
    if (promotion.lanes.length > 0) storage.signals.send(wakeUpAfter(promotion));
    this.wakeOthers(promotion);
    await apply(promotion);
    return this.restAfter(promotion);
  }

  private wakeOthers({ vacant, arrived, expiryMs, keyMs, tickMs, movedKeyed }: Promotion): void {
    if (vacant) this.site.wake('turn');
    if (arrived) this.site.wake('advance');
    if (movedKeyed) this.site.wake('permit');
    else if (keyMs !== null) this.site.wake('permit', keyMs);
    if (expiryMs !== null) this.site.wake('expire', Math.max(0, expiryMs));
    if (tickMs !== null) this.site.wake('tick', Math.max(0, Math.ceil(tickMs)));
  }

  private since(now: number): string {
    if (this.until && now - this.lookedEverywhereAt < EVERYWHERE_EVERY_MS) return this.until;
    this.lookedEverywhereAt = now;
    return LONG_AGO;
  }

  private restAfter({ promoted, nextMs }: Promotion): number {
    if (promoted === FULL_BATCH) return 0;
    return Math.max(1, Math.min(nextMs ?? Infinity, this.site.lookEveryMs));
  }
}
