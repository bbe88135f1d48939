import type { GroupRepository, HandedOn, Turn } from './group.repository.js';
import type { Signal, Signals } from '../wake-ups/signals.js';

/** Jobs of ordered groups have got their turn, or those of keys their permit: ready ones in `lanes`, and as many as `later` that the promoter finds. */
export function tellTurns(
  signals: Pick<Signals, 'send'>,
  { lanes, later, fair, anywhere }: Pick<Signal, 'lanes' | 'fair' | 'anywhere'> & { later: number },
): void {
  if (lanes.length > 0 || later > 0 || anywhere)
    signals.send({
      lanes,
      later: later > 0,
      ...(fair ? { fair } : {}),
      ...(anywhere ? { anywhere } : {}),
    });
}

/** What a lap over the vacant turns has come to. */
interface Lap {
  looked: number;
  dealt: number;
  held: Turn[];
  /** A queue has more of them: the next lap goes on there. */
  hasMore: boolean;
}

/**
 * Hands vacant turns on, page after page. A page that is full goes on with the next queue, and the one that filled it has its next page in
 * the next lap: so one with many turns delays the others by a page, and turns that cannot be handed on yet hide none behind them.
 */
export class VacantTurns {
  /** By queue, where a full page ended. */
  private readonly behind = new Map<number, string>();

  constructor(private readonly groups: GroupRepository) {}

  /** Each queue once, and at most one full page of each. */
  async lap(onPage: (page: HandedOn) => void): Promise<Lap> {
    const total = { looked: 0, dealt: 0, held: [] as Turn[] };
    const met = new Set<number>();
    let after: number | undefined = -1;
    while (after !== undefined) {
      const page: HandedOn = await this.groups.handOn({ after, behind: this.behind });
      total.looked += page.looked;
      total.dealt += page.dealt;
      total.held.push(...page.held);
      for (const queue of page.queues) {
        this.behind.delete(queue);
        met.add(queue);
      }
      if (page.last && page.last.group !== null) this.behind.set(page.last.queue, page.last.group);
      onPage(page);
      after = page.last?.queue;
    }
    // A queue without a vacant turn is in no page.
    for (const queue of this.behind.keys()) if (!met.has(queue)) this.behind.delete(queue);
    return { ...total, hasMore: this.behind.size > 0 };
  }
}
