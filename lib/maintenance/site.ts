import type { Promotion } from '../storage/claim/promotion.js';
import type { TickerSite } from '../schedules/ticker.js';

/**
 * What else the statement told: what the registry of lanes looks like, whether suspects wait, which queues (by id) are paused, which of them tell their ends to others, what the limits of the fleet look like, which lanes have jobs of fair
 * queues.
 */
export type News = Pick<
  Promotion,
  'registry' | 'suspects' | 'lone' | 'pausedQueues' | 'outcomeQueues' | 'limits' | 'fair'
>;

/** Where duties are turned: by the loops of a worker, along with the claims of remote workers, or by the hand of a test. `Duty`: those that it can wake. */
export interface SiteOf<Duty extends string> extends TickerSite {
  /** Of the worker; none of its own where there is no worker. */
  name?: string;
  /** The longest rest of the promoter: also how often news is asked for. */
  lookEveryMs: number;
  /** The lanes that are worked here; suspects of others are none of its business. */
  lanes: () => number[];
  /** That duty has something to do, at once or in `inMs`. */
  wake: (duty: Duty, inMs?: number) => void;
  /** Where the janitor begins with partitions, and sweeps from its second round on: a process that starts has jobs to run. */
  sweepsLater?: boolean;
  /** What the promoter has learnt besides. */
  apply: (news: News) => Promise<void>;
}
