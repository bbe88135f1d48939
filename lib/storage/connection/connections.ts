import pg from 'pg';
import { QueueError } from '../../job/queue.errors.js';
import { BusyLoop } from '../../runtime/busy-loop.js';
import { sqlStateOf } from '../../runtime/retry.js';
import { DatabaseError, READ_ONLY, unserved } from './database-errors.js';
import { serverOf, type Server } from './connection-probes.js';
import { inOneMessage, ROLLBACK } from './one-message.js';
import type { OwnClient } from './own-client.js';
import { OwnPool } from './own-pool.js';
import { forSession, forTransaction, type SessionSettings } from './session-settings.js';
import { BACKEND } from './backend.sql.js';
import { rowsOf, statement, type Statement } from './statement.js';
import { unhurried } from './unhurried.js';

/** Runs statements somewhere: on a connection of our own, or in a caller's transaction. */
export interface Run {
  <Row>(statement: Statement, values: unknown[]): Promise<Row[]>;
  /** In a caller's transaction, and nothing of the application comes between the statements of a call. */
  isUndisturbed?: boolean;
}

interface ConnectionSettings extends SessionSettings {
  max: number;
  preparedStatements: boolean;
  /** `transaction`: a session of the server lasts for one transaction, so each sets what it needs. */
  poolMode: 'session' | 'transaction';
  textOf: (statement: Statement) => string;
  /** How long a call waits where the server has no room for another connection; by default it fails at once. */
  patienceMs?: number;
}

const BEGIN = statement('begin', 'begin');
const COMMIT = statement('commit', 'commit');

/** Longer than a worker's own rests, and short enough that a pooler's connections come back before others give up. */
const IDLE_MS = 5_000;

/** Text is parsed by the row mapper, and only where a handler asks for it. */
const RAW: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text };

/** A small pool of our own, apart from the application's: TypeORM's hands out dead sockets, and can be exhausted by handlers. */
export class Connections {
  private readonly pool: OwnPool;
  private closed: Promise<void> | undefined;

  constructor(
    /** As `connectionOptionsOf` has read it. */
    address: pg.PoolConfig,
    private readonly settings: ConnectionSettings,
  ) {
    // A call that waits for room has room in the time that it would wait for a connection of ours.
    const most = Math.min(settings.queryTimeoutMs, address.connectionTimeoutMillis! / 2);
    const pool = {
      ...address,
      // After the DataSource's options: its `extra` may size the application's pool.
      min: 0,
      max: settings.max,
      idleTimeoutMillis: IDLE_MS,
      // Only the client's own clock gets out of a half-open socket; the pool destroys a client whose query timed out.
      query_timeout: settings.queryTimeoutMs,
      verify: (client: pg.PoolClient, done: (error?: Error) => void) => this.prepare(client, done),
    };
    this.pool = new OwnPool(pool, Math.min(settings.patienceMs ?? 0, most));
    // An idle client whose server went away: the pool has dropped it, the next statement opens another.
    this.pool.on('error', () => undefined);
  }

  /** One statement in a transaction of its own. */
  readonly run: Run = async <Row>(statement: Statement, values: unknown[]) =>
    rowsOf<Row>(
      statement,
      await this.onPool<pg.QueryResult>(statement, { ...this.named(statement), values }),
    );

  /** The same with rows as arrays of PostgreSQL's own text: no parsing for what nobody reads. */
  async rows(statement: Statement, values: unknown[]): Promise<(string | null)[][]> {
    const query: pg.QueryArrayConfig = {
      ...this.named(statement),
      values,
      rowMode: 'array',
      types: RAW,
    };
    return (await this.onPool<{ rows: (string | null)[][] }>(statement, query)).rows;
  }

  /** `work` asks for one connection, at once: where the server has no room for it that fails, however patient others are. */
  hurried<T>(work: () => T): T {
    return this.pool.hurried(work);
  }

  /** Several statements in one transaction of our own. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    return this.inTransaction((client) =>
      work(async <Row>(statement: Statement, values: unknown[]) =>
        rowsOf<Row>(
          statement,
          await guarded(statement, () => client.query({ ...this.named(statement), values })),
        ),
      ),
    );
  }

  /** Which server it is, and whether something stands between. */
  server(): Promise<Server> {
    return this.inTransaction((client) => guarded(BACKEND, () => serverOf(client)));
  }

  get max(): number {
    return this.settings.max;
  }

  get connectTimeoutMs(): number {
    return this.pool.options.connectionTimeoutMillis!;
  }

  close(): Promise<void> {
    return (this.closed ??= this.pool.end());
  }

  /** Closes without waiting: what is under way fails now. */
  abandon(): void {
    void this.close();
    for (const client of [...(this.pool as unknown as Inner)._clients]) client.abandon();
  }

  private named(statement: Statement): { text: string; name?: string } {
    const text = this.settings.textOf(statement);
    return this.mayPrepare(statement) ? { name: `sq_${statement.name}`, text } : { text };
  }

  private mayPrepare({ name, onlyInserts = false }: Statement): boolean {
    return (
      this.settings.preparedStatements &&
      name !== '' &&
      (onlyInserts || this.settings.plans === 'generic')
    );
  }

  private onPool<Result>(statement: Statement, query: pg.QueryConfig): Promise<Result> {
    this.refuseWhenClosed();
    if (this.settings.poolMode === 'transaction')
      return this.onClient(
        (client) =>
          guarded(statement, () =>
            inOneMessage(client, forTransaction(this.settings), query),
          ) as Promise<Result>,
      );
    return guarded(statement, () => this.pool.query(query)) as Promise<Result>;
  }

  private inTransaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.onClient(async (client) => {
      const result = await beforeCommit(async () => {
        await guarded(BEGIN, () => this.begin(client));
        return work(client);
      });
      await guarded(COMMIT, () => client.query(COMMIT.text));
      return result;
    });
  }

  /** Where `work` fails, whatever it has begun is rolled back. */
  private async onClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.connect();
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      broken = await rollback(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** A pooler in transaction mode has looked for a connection of the server only now. */
  private async begin(client: pg.PoolClient): Promise<void> {
    if (this.settings.poolMode === 'session') await client.query(BEGIN.text);
    else {
      const words = forTransaction(this.settings).join('; ');
      await unhurried((again) => client.query(again ? `${ROLLBACK}; ${words}` : words)).catch(
        (error: Error) => Promise.reject(unserved(error)),
      );
    }
  }

  private async connect(): Promise<pg.PoolClient> {
    this.refuseWhenClosed();
    return guarded(BEGIN, () => this.pool.connect());
  }

  /** @throws QueueError `CLOSED`. */
  refuseWhenClosed(): void {
    if (this.closed)
      throw new QueueError(
        'CLOSED',
        'The queue was closed with its application; nothing can be enqueued or asked any more.',
      );
  }

  private prepare(client: pg.PoolClient, done: (error?: Error) => void): void {
    client.on('error', () => undefined);
    if (this.settings.poolMode === 'transaction') return done();
    unhurried(() => client.query(forSession(this.settings))).then(
      () => done(),
      (error: Error) => done(unserved(error)),
    );
  }
}

/** What the pool does not promise: its clients, those as well that are only connecting. */
interface Inner {
  _clients: OwnClient[];
}

/** What fails before the COMMIT is sent has done nothing, whatever has become of the connection. */
async function beforeCommit<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError) error.isUnsent = true;
    throw error;
  }
}

/** What the driver throws may carry rows and parameters; what leaves this room does not. */
export async function guarded<Result>(
  statement: Statement,
  work: () => Promise<Result>,
): Promise<Result> {
  const loop = new BusyLoop();
  try {
    return await work();
  } catch (error) {
    throw new DatabaseError(
      statement.doing ?? (statement.name ? `run "${statement.name}"` : 'change a table'),
      error,
      sqlStateOf(error),
      loop.words(),
    );
  }
}

/**
 * A client that cannot roll back is in an unknown state, and one whose server only reads belongs to what was the primary once: they are
 * destroyed rather than given back. (A pool destroys the client of a single statement that failed.)
 */
async function rollback(client: pg.PoolClient, cause: unknown): Promise<Error | undefined> {
  const broken = cause instanceof Error ? cause : new Error(String(cause));
  // Without an SQLSTATE the connection itself has failed: a rollback would only wait for its time to be over.
  if (cause instanceof DatabaseError && cause.sqlState === undefined) return broken;
  try {
    await client.query(ROLLBACK);
    return cause instanceof DatabaseError && cause.sqlState === READ_ONLY ? broken : undefined;
  } catch {
    return broken;
  }
}
