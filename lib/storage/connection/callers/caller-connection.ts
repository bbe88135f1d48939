import { AsyncResource } from 'node:async_hooks';
import { errorMonitor, type EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { rowsOf, type Statement } from '../statement.js';

/** The client of node-postgres, and its connection, which reports what the server says. */
type Client = pg.ClientBase & {
  readyForQuery: boolean;
  binary?: boolean;
  connection: EventEmitter & { parsedStatements: Record<string, string>; stream: Duplex };
  /** Younger versions of the driver. */
  getTransactionStatus?(): TransactionStatus | null;
};

/** Idle, in a transaction, in one that has failed. */
type TransactionStatus = 'I' | 'T' | 'E';

type Query = (...args: unknown[]) => unknown;

/** A call of ours waits until nothing is under way; what the application sends only waits for the calls in front of it. */
interface Waiting {
  isCall: boolean;
  go: () => void;
}

/** A rollback to a savepoint counts as any other rollback. */
const ENDINGS: ReadonlySet<string> = new Set([
  'BEGIN',
  'START TRANSACTION',
  'COMMIT',
  'ROLLBACK',
  'PREPARE TRANSACTION',
]);

/** The server has forgotten a prepared statement (`discard all`, `deallocate all`). */
const UNKNOWN_STATEMENT = '26000';

const known = new WeakMap<Client, CallerConnection>();

/**
 * A connection of the application on which calls join transactions. Two things that TypeORM cannot promise are kept here: which transaction
 * is open, by the word of the server and not by a flag that lags behind it; and that nothing is sent between the statements of a call, no
 * rollback and no sibling's insert. For that it is in front of the client's `query`, which keeps the order of all that is asked of it.
 */
export class CallerConnection {
  /** Another one as soon as a transaction, or a savepoint's part of it, is over. */
  transaction = 0;
  /** The one that the server has committed last. A COMMIT in a failed transaction is none: it resolves, and the server has rolled back. */
  committed: number | undefined;
  private status: TransactionStatus | undefined;
  private isTaken = false;
  private isDead = false;
  /** What the driver said when the connection was lost, where it was watched by then. */
  lostBy: Error | undefined;
  private readonly waiting: Waiting[] = [];
  private readonly send: Query;

  private constructor(private readonly client: Client) {
    this.status = client.getTransactionStatus?.() ?? undefined;
    this.send = (client.query as Query).bind(client);
    (client as { query: Query }).query = (...args) => this.later(args);
    // Before the client's own listener, which sends the next statement at once.
    client.connection.prependListener(
      'readyForQuery',
      ({ status }: { status: TransactionStatus }) => this.heard(status),
    );
    client.connection.on('commandComplete', ({ text }: { text: string }) => {
      if (!ENDINGS.has(text) || this.isTaken) return;
      if (text === 'COMMIT') this.committed = this.transaction;
      this.transaction++;
    });
    client.on('drain', () => this.next());
    // Without a listener of its own: whoever handles the driver's errors goes on to do so.
    client.once(errorMonitor, (error: Error) => (this.lostBy = error));
    client.once('end', () => {
      this.isDead = true;
      this.next();
    });
  }

  /** undefined: a driver that is not node-postgres. */
  static of(client: unknown): CallerConnection | undefined {
    if (!isNodePostgres(client)) return undefined;
    let connection = known.get(client);
    if (!connection) known.set(client, (connection = new CallerConnection(client)));
    return connection;
  }

  /** Also of a failed transaction: there the server refuses. Until it has said something, TypeORM's word is taken. */
  get isOpen(): boolean {
    return this.status !== 'I';
  }

  /** The server has closed it, or the network has; whatever was open on it is rolled back. */
  get isLost(): boolean {
    return this.client.connection.stream.destroyed;
  }

  /** Takes the connection when all that was asked of it before is done, and keeps it until `work` is done. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.isTaken || this.waiting.length > 0 || !this.isIdle)
      await new Promise<void>((go) => this.waiting.push({ isCall: true, go }));
    else this.isTaken = true;
    try {
      // An older driver keeps no status: the answer to nothing brings it.
      if (!this.status) await this.send('');
      return await work();
    } finally {
      this.isTaken = false;
      this.next();
    }
  }

  /** A statement of a call that has taken the connection. */
  async query<Row>(statement: Statement, config: pg.QueryConfig): Promise<Row[]> {
    try {
      return rowsOf(statement, (await this.sendAsText(config)) as pg.QueryResult);
    } catch (error) {
      const isForgotten =
        config.name !== undefined && (error as { code?: unknown }).code === UNKNOWN_STATEMENT;
      // Else this connection would ask for it again and again.
      if (isForgotten) delete this.client.connection.parsedStatements[config.name!];
      throw error;
    }
  }

  /** Our parsers read text. The driver looks at its client's setting when a query is handed to it. */
  private sendAsText(config: pg.QueryConfig): unknown {
    const { binary } = this.client;
    this.client.binary = false;
    try {
      return this.send(config);
    } finally {
      this.client.binary = binary;
    }
  }

  private get isIdle(): boolean {
    return this.client.readyForQuery || this.isDead;
  }

  private heard(status: TransactionStatus): void {
    this.status = status;
    if (status === 'I') this.transaction++;
  }

  private next(): void {
    while (!this.isTaken && this.waiting.length > 0) {
      const [{ isCall, go }] = this.waiting as [Waiting];
      if (isCall && !this.isIdle) return;
      this.waiting.shift();
      this.isTaken = isCall;
      go();
    }
  }

  /** What the application sends. */
  private later(args: unknown[]): unknown {
    if (!this.isTaken && this.waiting.length === 0) return this.send(...args);
    const go = AsyncResource.bind(async () => this.send(...args));
    const [config] = args as [{ submit?: unknown; callback?: unknown } | undefined];
    const isPromise =
      typeof config?.submit !== 'function' &&
      !config?.callback &&
      typeof args.at(-1) !== 'function';
    if (isPromise)
      return new Promise((resolve) =>
        this.waiting.push({ isCall: false, go: () => resolve(go()) }),
      );
    this.waiting.push({ isCall: false, go: () => void go() });
    return config?.submit ? config : undefined;
  }
}

/** A DataSource may bring a driver of its own. */
export function isNodePostgres(client: unknown): client is pg.ClientBase & Client {
  const { connection } = (client ?? {}) as Partial<Client>;
  return (
    typeof connection?.parsedStatements === 'object' &&
    typeof connection.prependListener === 'function'
  );
}
