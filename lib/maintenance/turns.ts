import type { Signals } from '../storage/wake-ups/signals.js';
import { tellTurns, VacantTurns } from '../storage/groups/vacant-turns.js';
import type { SiteOf } from './site.js';

/** A turn whose group is being enqueued to, or whose next job is held locked, is looked at again: soon, then more and more rarely. */
const FIRST_REST_MS = 5;
const MAX_REST_MS = 500;

/**
 * Hands vacant turns of ordered groups to the next job, under the group's lock. It waits for nobody: who enqueues may hold the lock for
 * as long as its transaction lasts. Any process may do it at any time; the rows decide.
 */
export class Turns {
  private restMs = FIRST_REST_MS;
  /** Of the laps since the last one that came to the end of every queue. */
  private looked = 0;
  private dealt = 0;
  private readonly turns: VacantTurns;
  private readonly signals: Signals;

  constructor({ storage }: Pick<SiteOf<never>, 'storage'>) {
    this.turns = new VacantTurns(storage.groups);
    this.signals = storage.signals;
  }

  async round(): Promise<number> {
    const { looked, dealt, hasMore } = await this.turns.lap((page) =>
      tellTurns(this.signals, page),
    );
    this.looked += looked;
    this.dealt += dealt;
    return hasMore ? 0 : this.rest();
  }

  private rest(): number {
    const { looked, dealt } = this;
    this.looked = this.dealt = 0;
    if (looked === dealt) this.restMs = FIRST_REST_MS;
    if (looked === dealt) return Infinity;
    this.restMs = dealt > 0 ? FIRST_REST_MS : Math.min(2 * this.restMs, MAX_REST_MS);
    return this.restMs;
  }
}
