import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { isFull, unconnected } from './database-errors.js';
import { OwnClient } from './own-client.js';

/** Between two looks for room, each longer than the one before; jittered, so that a fleet does not ask in step. */
const FIRST_REST_MS = 100;
const MOST_REST_MS = 1_000;

type Taken = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: () => void,
) => void;

/**
 * What fails before a session is set up is known as that, whatever it says. While the server has no room for another connection, the pool is
 * full with those that are open: calls wait for them in their order, and one looks for room for all.
 */
export class OwnPool extends pg.Pool {
  private readonly most = this.options.max;
  private open = 0;
  private looking: Promise<void> | undefined;
  /** A look was in vain: until then what finds no room fails at once. */
  private vainUntil = 0;
  /** What the server said last that has no room. */
  private refusal: Error | undefined;
  private isHurried = false;

  constructor(
    options: pg.PoolConfig,
    /** 0: what finds no room fails at once. */
    private readonly patienceMs = 0,
  ) {
    super({ ...options, Client: OwnClient });
    this.on('connect', () => this.open++);
    this.on('remove', () => this.open--);
  }

  /** What `work` asks for before its first await fails at once where it finds no room. */
  hurried<T>(work: () => T): T {
    this.isHurried = true;
    try {
      return work();
    } finally {
      this.isHurried = false;
    }
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(taken: Taken): void;
  override connect(taken?: Taken): Promise<pg.PoolClient> | void {
    if (!taken)
      return new Promise((resolve, reject) =>
        this.connect((error, client) => (error ? reject(error) : resolve(client!))),
      );
    const { isHurried } = this;
    if (isHurried && this.looking && this.idleCount === 0) return taken(this.refusal, undefined, nothing); // prettier-ignore
    super.connect((error, client, done) => {
      if (!error || isHurried || !this.waitsAfter(error)) return taken(error && unconnected(error), client, done); // prettier-ignore
      this.refusal = unconnected(error);
      this.options.max = this.open;
      this.looking ??= this.look();
      this.connect(taken);
    });
  }

  private waitsAfter(error: Error): boolean {
    return this.patienceMs > 0 && isFull(error) && performance.now() >= this.vainUntil;
  }

  /** Until there is room, or all that wait had one of the open connections; where none is open, for as long as patience lasts. */
  private async look(): Promise<void> {
    const until = performance.now() + this.patienceMs;
    const isOver = (): boolean =>
      this.open > 0 ? this.waitingCount === 0 : performance.now() >= until;
    let hasRoom = false;
    for (let restMs = FIRST_REST_MS; !hasRoom && !isOver(); restMs *= 2) {
      await rest(Math.min(restMs, MOST_REST_MS) * (0.5 + Math.random()));
      this.options.max = this.open + 1;
      const asked = this.hasRoom();
      this.options.max = this.open;
      hasRoom = await asked;
    }
    this.options.max = this.most;
    this.looking = undefined;
    if (hasRoom || this.open > 0) return;
    this.vainUntil = performance.now() + this.patienceMs;
    // Refused once more, it makes way for all that wait: they are refused, one after the other.
    await this.hasRoom();
  }

  private hasRoom(): Promise<boolean> {
    return new Promise((resolve) =>
      super.connect((error, client) => {
        client?.release();
        resolve(!error || !isFull(error));
      }),
    );
  }
}

const nothing = (): void => undefined;
