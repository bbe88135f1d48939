import type { Turn } from '../storage/groups/group.repository.js';
import type { Storage } from '../storage/storage.js';
import { tellTurns, VacantTurns } from '../storage/groups/vacant-turns.js';
import type { SiteOf } from './site.js';

/** A turn whose group is being enqueued to, or whose next job is held locked, is looked at again: soon, then more and more rarely. */
const FIRST_REST_MS = 5;
const MAX_REST_MS = 500;

const keyOf = ({ queue, group }: Turn): string => `${queue} ${group}`;

/**
 * Hands vacant turns of ordered groups to the next job, under the group's lock. A round waits for nobody: who enqueues may hold the lock for
 * as long as its transaction lasts. Beside the rounds one turn waits for its lock, behind those who enqueue: another round might never find it free.
 * Any process may do it at any time; the rows decide.
 */
export class Turns {
  private restMs = FIRST_REST_MS;
  /** Of the laps since the last one that came to the end of every queue. */
  private looked = 0;
  private dealt = 0;
  private held: Turn[] = [];
  /** In the look before this one. */
  private heldBefore = new Set<string>();
  private waiting = false;
  /** How many have been waited for. */
  private waits = 0;
  private readonly turns: VacantTurns;
  private readonly storage: Pick<Storage, 'groups' | 'signals'>;

  constructor({ storage }: Pick<SiteOf<never>, 'storage'>) {
    this.turns = new VacantTurns(storage.groups);
    this.storage = storage;
  }

  async round(): Promise<number> {
    const { looked, dealt, held, hasMore } = await this.turns.lap((page) =>
      tellTurns(this.storage.signals, page),
    );
    this.looked += looked;
    this.dealt += dealt;
    if (held.length > 0) this.held = held;
    return hasMore ? 0 : this.rest();
  }

  private rest(): number {
    const { looked, dealt } = this;
    this.looked = this.dealt = 0;
    this.waitForOne();
    if (looked === dealt) this.restMs = FIRST_REST_MS;
    if (looked === dealt) return Infinity;
    this.restMs = dealt > 0 ? FIRST_REST_MS : Math.min(2 * this.restMs, MAX_REST_MS);
    return this.restMs;
  }

  private waitForOne(): void {
    const again = this.held.filter((turn) => this.heldBefore.has(keyOf(turn)));
    this.heldBefore = new Set(this.held.map(keyOf));
    this.held = [];
    if (again.length > 0 && !this.waiting) void this.handOnBehind(again[this.waits++ % again.length]!); // prettier-ignore
  }

  /** Where it waits too long, or the database is away, another round says so. */
  private async handOnBehind(turn: Turn): Promise<void> {
    this.waiting = true;
    try {
      tellTurns(this.storage.signals, await this.storage.groups.handOnBehind(turn));
    } catch {
      // The turn is still vacant.
    } finally {
      this.waiting = false;
    }
  }
}
