import pg from 'pg';
import { outside } from '../../runtime/outside.js';

/** Long enough for a server that replies to take its leave. */
const FAREWELL_MS = 1_000;

const DEFAULTS = pg.defaults as unknown as Record<string, unknown>;

/** The driver takes these from its defaults wherever a connection says nothing, or no. */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  binary: false,
  options: undefined,
  client_encoding: '',
  replication: undefined,
  application_name: undefined,
  fallback_application_name: undefined,
  statement_timeout: false,
  lock_timeout: false,
  idle_in_transaction_session_timeout: false,
  query_timeout: false,
};

/** A connection of ours: in a pool, as a listener, as a probe. */
export class OwnClient extends pg.Client {
  /** What an application sets in `pg.defaults` is for its own connections. Where the database is, and TLS, holds for ours as well. */
  constructor(config?: pg.ClientConfig) {
    const ofTheApplication = Object.fromEntries(
      Object.keys(NEUTRAL).map((name) => [name, DEFAULTS[name]]),
    );
    Object.assign(DEFAULTS, NEUTRAL);
    try {
      super(config);
    } finally {
      Object.assign(DEFAULTS, ofTheApplication);
    }
  }

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
    (
      this as unknown as { connection: { stream: { destroy(): void } } }
    ).connection.stream.destroy();
  }
}
