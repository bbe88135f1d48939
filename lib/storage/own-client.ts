import pg from 'pg';
import { outside } from '../runtime/outside.js';

/** Long enough for a server that answers to take its leave. */
const FAREWELL_MS = 1_000;

/** A connection of ours: in a pool, as a listener, as a probe. */
export class OwnClient extends pg.Client {
  /** Whoever needs a connection first opens it, and many others use it: its socket keeps nobody's context, such as a request. */
  override connect(...given: []): Promise<pg.Client> {
    return outside(() => super.connect(...given));
  }

  /** A half-open socket never takes its leave, and would keep the process alive. */
  override end(...given: []): Promise<void> {
    const timer = setTimeout(() => this.abandon(), FAREWELL_MS).unref();
    this.once('end', () => clearTimeout(timer));
    return super.end(...given);
  }

  /** Without a farewell: connecting, or waiting for an answer, it ends at once. */
  abandon(): void {
    (this as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}
