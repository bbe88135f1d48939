import { FIRST_TURN, type GroupRepository, type HandedOn } from '../storage/group.repository.js';

export interface PromoterParts {
  groups: GroupRepository;
  /** Lanes in which a job has got its turn. */
  onPromoted: (lanes: number[]) => void;
  /** Jobs have got their turn whose time lies ahead. */
  onLater: () => void;
}

/** A turn whose group is being enqueued to, or whose next job is held locked, is looked at again: soon, then more and more rarely. */
const FIRST_REST_MS = 5;
const MAX_REST_MS = 500;

/**
 * Hands vacant turns of ordered groups to the next job, under the group's lock. It waits for nobody: who enqueues may hold the lock for
 * as long as its transaction lasts. Any process may do it at any time; the rows decide.
 */
export class Promoter {
  private restMs = FIRST_REST_MS;

  constructor(private readonly parts: PromoterParts) {}

  async promote(): Promise<number> {
    const total = { looked: 0, dealt: 0 };
    let page: HandedOn | undefined;
    // Page behind page: turns that cannot be handed on yet must not hide the ones behind them.
    do {
      page = await this.parts.groups.handOn(page?.last ?? FIRST_TURN);
      total.looked += page.looked;
      total.dealt += page.dealt;
      if (page.lanes.length > 0) this.parts.onPromoted(page.lanes);
      if (page.later > 0) this.parts.onLater();
    } while (page.last);
    return this.restAfter(total);
  }

  private restAfter({ looked, dealt }: { looked: number; dealt: number }): number {
    if (looked === dealt) this.restMs = FIRST_REST_MS;
    if (looked === dealt) return Infinity;
    this.restMs = dealt > 0 ? FIRST_REST_MS : Math.min(2 * this.restMs, MAX_REST_MS);
    return this.restMs;
  }
}
