import pg from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { QueueError } from '../job/queue.errors.js';
import { inSchema } from '../../migrations/migrations.js';
import { connectionOptionsOf, sameDatabase } from './connection-options.js';
import { DatabaseError } from './database-errors.js';
import type { Statement } from './statement.js';

/** Runs statements somewhere: on a connection of our own, or in a caller's transaction. */
export interface Run {
  <Row>(statement: Statement, values: unknown[]): Promise<Row[]>;
}

export interface DatabaseOptions {
  schema: string;
  preparedStatements: boolean;
  queryTimeoutMs: number;
}

/**
 * What the loops' connections set, with the reasons in docs/adr/0002: plans are made for the values at hand and never walk a
 * table that was believed small; isolation is READ COMMITTED whatever the database's default (others fail SKIP LOCKED
 * claims); a lock that an application holds on a job delays one statement by a second at most.
 */
const SESSION = `set plan_cache_mode = force_custom_plan; set enable_seqscan = off; set random_page_cost = 0; set jit = off;
  set default_transaction_isolation = 'read committed'; set default_transaction_read_only = off; set lock_timeout = 1000; set timezone = 'UTC';
  set idle_in_transaction_session_timeout = 60000; set statement_timeout = `;

/** Enough for two claims, a heartbeat, a duty, and enqueues beside each other. */
const POOL_SIZE = 6;

/** Text is parsed by the row mapper, and only where a handler asks for it. */
const RAW: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text };

/** The connections of the library, apart from the application's pool, and the only place that knows what drivers answer with. */
export class Database {
  private readonly pool: pg.Pool;
  private readonly texts = new WeakMap<Statement, string>();
  private closed: Promise<void> | undefined;

  constructor(
    readonly dataSource: DataSource,
    private readonly options: DatabaseOptions,
  ) {
    this.pool = new pg.Pool({
      ...connectionOptionsOf(dataSource),
      // After the DataSource's options: its `extra` may size the application's pool.
      min: 0,
      max: POOL_SIZE,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      // Only the client's own clock gets out of a half-open socket; the pool destroys a client whose query timed out.
      query_timeout: options.queryTimeoutMs,
      verify: (client, done) => this.prepare(client, done),
    });
    // An idle client whose server went away: the pool has dropped it, the next statement opens another.
    this.pool.on('error', () => undefined);
  }

  /** One statement on a connection of our own, in a transaction of its own. */
  readonly run: Run = async <Row>(statement: Statement, values: unknown[]) =>
    (await this.onPool<{ rows: Row[] }>(statement, { ...this.named(statement), values })).rows;

  /** The same with rows as arrays of PostgreSQL's own text: no parsing for what nobody reads. */
  async rows(statement: Statement, values: unknown[]): Promise<(string | null)[][]> {
    const query: pg.QueryArrayConfig = { ...this.named(statement), values, rowMode: 'array', types: RAW };
    return (await this.onPool<{ rows: (string | null)[][] }>(statement, query)).rows;
  }

  /** Several statements in one transaction of our own. */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const result = await work(async <Row>(statement: Statement, values: unknown[]) => {
        return (await guarded(statement, () => client.query({ ...this.named(statement), values }))).rows as Row[];
      });
      await client.query('commit');
      return result;
    } catch (error) {
      broken = await rollback(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs in the transaction of a caller's EntityManager or QueryRunner.
   * @throws QueueError `MANAGER_FOREIGN` for another database, `MANAGER_INACTIVE` outside a transaction.
   */
  in(manager: EntityManager | QueryRunner): Run {
    const runner = this.runnerOf(manager);
    return async <Row>(statement: Statement, values: unknown[]) =>
      (await guarded(statement, () => runner.query(this.textOf(statement), values))) as Row[];
  }

  /** The query runner behind a caller's manager, checked to be ours to join. */
  runnerOf(manager: EntityManager | QueryRunner): QueryRunner {
    const runner = 'isTransactionActive' in manager ? manager : manager.queryRunner;
    const dataSource = 'isTransactionActive' in manager ? manager.manager.dataSource : manager.dataSource;
    if (!sameDatabase(dataSource, this.dataSource)) throw foreign();
    if (!runner?.isTransactionActive) throw inactive();
    return runner;
  }

  textOf(statement: Statement): string {
    let text = this.texts.get(statement);
    if (text === undefined) this.texts.set(statement, (text = inSchema(statement.text, this.options.schema)));
    return text;
  }

  close(): Promise<void> {
    return (this.closed ??= this.pool.end());
  }

  private named(statement: Statement): { text: string; name?: string } {
    const text = this.textOf(statement);
    return this.options.preparedStatements && statement.name ? { name: `sq_${statement.name}`, text } : { text };
  }

  private async onPool<Result>(statement: Statement, query: pg.QueryConfig): Promise<Result> {
    this.refuseWhenClosed();
    return guarded(statement, () => this.pool.query(query)) as Promise<Result>;
  }

  private async connect(): Promise<pg.PoolClient> {
    this.refuseWhenClosed();
    return this.pool.connect();
  }

  private refuseWhenClosed(): void {
    if (this.closed)
      throw new QueueError('CLOSED', 'The queue was closed with its application; nothing can be enqueued or asked any more.');
  }

  /** The server gives up a little before the client does, so that a slow statement ends instead of costing a connection. */
  private prepare(client: pg.PoolClient, done: (error?: Error) => void): void {
    client.on('error', () => undefined);
    const timeoutMs = Math.max(1, Math.floor(this.options.queryTimeoutMs * 0.9));
    client.query(SESSION + timeoutMs).then(() => done(), done);
  }
}

/** What the driver throws may carry rows and parameters; what leaves this room does not. */
async function guarded<Result>(statement: Statement, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new DatabaseError(`run "${statement.name}"`, error);
  }
}

/** A client that cannot roll back is in an unknown state: it is destroyed rather than given back. */
async function rollback(client: pg.PoolClient, cause: unknown): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
}

function foreign(): QueueError {
  return new QueueError(
    'MANAGER_FOREIGN',
    'The given manager belongs to another database than the queue: the job would not be part of its transaction. Give a manager of the DataSource that the module uses, or name that DataSource in forRoot({ dataSource }).',
  );
}

function inactive(): QueueError {
  return new QueueError(
    'MANAGER_INACTIVE',
    'The given manager has no open transaction. Give the one that dataSource.transaction((manager) => ...) hands you, or leave `manager` out.',
  );
}
