import type { PlainListeners } from '../plain/plain-listeners.js';
import type { RedisClient, Subscriber } from './redis-client.js';

/** Hints of other processes, while somebody listens here. */
export class Signals {
  private users = 0;
  private connection: Subscriber | undefined;

  constructor(
    private readonly client: RedisClient,
    private readonly channel: string,
    private readonly listeners: PlainListeners,
  ) {}

  /** Until the returned function is called. */
  listen(): () => void {
    if (this.users++ === 0) this.open();
    let isOver = false;
    return () => {
      if (!isOver && --this.users === 0) this.close();
      isOver = true;
    };
  }

  close(): void {
    try {
      this.connection?.destroy();
    } catch {
      // It has not been open.
    }
    this.connection = undefined;
  }

  private open(): void {
    const connection = this.client.duplicate();
    this.connection = connection;
    connection.on('error', () => undefined);
    // Also after it was lost: what was said meanwhile is unknown.
    connection.on('ready', () => ['wakeUp', 'cancelRequested'].forEach((hint) => this.hear(hint)));
    connection
      .connect()
      .then(() => connection.subscribe(this.channel, (hint) => this.hear(hint)))
      // Hints may be lost: whoever waits for work polls as well.
      .catch(() => undefined);
  }

  private hear(hint: string): void {
    if (hint === 'wakeUp' || hint === 'cancelRequested') this.listeners.tell({ type: hint });
  }
}
