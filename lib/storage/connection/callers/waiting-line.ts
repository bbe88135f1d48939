import { DatabaseError, LOCKED } from '../database-errors.js';

/** Calls that wait for the same: so many at a time, the others in their order, each as long for its turn as it would wait for a connection. */
export class WaitingLine {
  readonly names: string[] = [];
  private taken = 0;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly patienceMs: number,
    private readonly places = 1,
  ) {}

  get isEmpty(): boolean {
    return this.taken === 0 && this.waiting.size === 0;
  }

  called(name: string): this {
    this.names.push(name);
    return this;
  }

  /** @throws DatabaseError `LOCK_TIMEOUT` where its turn does not come: nothing was sent. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    // Whoever is called on takes the place of the one before.
    if (this.taken >= this.places) await this.turn();
    else this.taken++;
    try {
      return await work();
    } finally {
      const [next] = this.waiting;
      if (next) next();
      else this.taken--;
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(go);
        reject(
          new DatabaseError('get a turn among calls that wait for the same', undefined, LOCKED),
        );
      }, this.patienceMs);
      const go = (): void => {
        clearTimeout(timer);
        this.waiting.delete(go);
        resolve();
      };
      this.waiting.add(go);
    });
  }
}
