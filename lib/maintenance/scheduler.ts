import type { JobRepository, Promotion } from '../storage/job.repository.js';

export interface SchedulerParts {
  jobs: JobRepository;
  /** The longest rest: also how often news of lanes and suspects is asked for. */
  maxRestMs: number;
  /** The lanes this process works; suspects of others are none of its business. */
  lanes: () => number[];
  onPromoted: (lanes: number[]) => void;
  onNews: (news: News) => Promise<void>;
}

/**
 * What else the statement told: what the registry of lanes looks like, whether suspects wait, which queues (by id) are paused, which lanes have jobs of fair
 * queues, whether turns are vacant, when the next staged job expires.
 */
export interface News {
  registry: number;
  suspects: boolean;
  lone: boolean;
  pausedQueues: number[];
  fair: number[];
  vacant: boolean;
  expiryMs: number | null;
}

const FULL_BATCH = 1_000;
/** How far behind the last promoted time a round looks, and how often a round looks everywhere: for what was committed late. */
const LOOK_BACK_MS = 60_000;
const EVERYWHERE_EVERY_MS = 30_000;
const LONG_AGO = '-infinity';

/** Moves due jobs to where they may run, and knows when the next one is due. */
export class Scheduler {
  private until: string | undefined;
  private lookedEverywhereAt = -Infinity;

  constructor(private readonly parts: SchedulerParts) {}

  async promote(): Promise<number> {
    const promotion = await this.parts.jobs.promote(this.since(performance.now()), this.parts.lanes());
    const until = Date.parse(promotion.until ?? '') - LOOK_BACK_MS;
    if (!Number.isNaN(until)) this.until = new Date(until).toISOString();
    if (promotion.lanes.length > 0) this.parts.onPromoted(promotion.lanes);
    const { registry, suspects, lone, pausedQueues, fair, vacant, expiryMs } = promotion;
    await this.parts.onNews({ registry, suspects, lone, pausedQueues, fair, vacant, expiryMs });
    return this.restAfter(promotion);
  }

  private since(now: number): string {
    if (this.until && now - this.lookedEverywhereAt < EVERYWHERE_EVERY_MS) return this.until;
    this.lookedEverywhereAt = now;
    return LONG_AGO;
  }

  private restAfter({ promoted, nextMs }: Promotion): number {
    if (promoted === FULL_BATCH) return 0;
    return Math.max(1, Math.min(nextMs ?? Infinity, this.parts.maxRestMs));
  }
}
