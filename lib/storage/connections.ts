import pg from 'pg';
import type { DataSource } from 'typeorm';
import { QueueError } from '../job/queue.errors.js';
import { outside } from '../runtime/outside.js';
import { connectionOptionsOf } from './connection-options.js';
import { DatabaseError } from './database-errors.js';
import { statement, type Statement } from './statement.js';

/** Runs statements somewhere: on a connection of our own, or in a caller's transaction. */
export interface Run {
  <Row>(statement: Statement, values: unknown[]): Promise<Row[]>;
}

export interface ConnectionSettings {
  max: number;
  /** How long a statement waits for a lock that an application holds; 0: as long as the query timeout allows. */
  lockTimeoutMs: number;
  queryTimeoutMs: number;
  preparedStatements: boolean;
  /**
   * Planned once: planning costs half a millisecond a claim. Or: what only inserts is prepared and keeps its plan, everything else is
   * not, and planned for the values at hand.
   */
  plans: 'generic' | 'insertions';
  textOf: (statement: Statement) => string;
}

/**
 * What our connections set, with the reasons in docs/adr/0002: text comes in the formats that the row mapper reads; plans never walk a
 * table that was believed small; isolation is READ COMMITTED whatever the database's default (others fail
 * SKIP LOCKED claims); what was acknowledged to a worker survives a crash of the server, also where the database's default is
 * synchronous_commit = off (it ends claims by it).
 */
const SESSION = `set enable_seqscan = off; set random_page_cost = 0; set jit = off;
  set default_transaction_isolation = 'read committed'; set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex';
  set idle_in_transaction_session_timeout = 60000;
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';`;

const BEGIN = statement('begin', 'begin');
const COMMIT = statement('commit', 'commit');

/** Text is parsed by the row mapper, and only where a handler asks for it. */
const RAW: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text };

/** Whoever needs a connection first opens it, and many others use it: its socket keeps nobody's context, such as a request. */
class OwnClient extends pg.Client {
  override connect(...given: []): Promise<pg.Client> {
    return outside(() => super.connect(...given));
  }
}

/** A small pool of our own, apart from the application's: TypeORM's hands out dead sockets, and can be exhausted by handlers. */
export class Connections {
  private readonly pool: pg.Pool;
  private closed: Promise<void> | undefined;

  constructor(
    dataSource: DataSource,
    private readonly settings: ConnectionSettings,
  ) {
    this.pool = new pg.Pool({
      ...connectionOptionsOf(dataSource),
      Client: OwnClient,
      // After the DataSource's options: its `extra` may size the application's pool.
      min: 0,
      max: settings.max,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      // Only the client's own clock gets out of a half-open socket; the pool destroys a client whose query timed out.
      query_timeout: settings.queryTimeoutMs,
      verify: (client, done) => this.prepare(client, done),
    });
    // An idle client whose server went away: the pool has dropped it, the next statement opens another.
    this.pool.on('error', () => undefined);
  }

  /** One statement in a transaction of its own. */
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
    const run: Run = async <Row>(statement: Statement, values: unknown[]) =>
      (await guarded(statement, () => client.query({ ...this.named(statement), values }))).rows as Row[];
    let broken: Error | undefined;
    try {
      await run(BEGIN, []);
      const result = await work(run);
      await run(COMMIT, []);
      return result;
    } catch (error) {
      broken = await rollback(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return (this.closed ??= this.pool.end());
  }

  private named(statement: Statement): { text: string; name?: string } {
    const text = this.settings.textOf(statement);
    return this.mayPrepare(statement) ? { name: `sq_${statement.name}`, text } : { text };
  }

  private mayPrepare({ name, onlyInserts = false }: Statement): boolean {
    return this.settings.preparedStatements && name !== '' && (onlyInserts || this.settings.plans === 'generic');
  }

  private async onPool<Result>(statement: Statement, query: pg.QueryConfig): Promise<Result> {
    this.refuseWhenClosed();
    return guarded(statement, () => this.pool.query(query)) as Promise<Result>;
  }

  private async connect(): Promise<pg.PoolClient> {
    this.refuseWhenClosed();
    return guarded(BEGIN, () => this.pool.connect());
  }

  private refuseWhenClosed(): void {
    if (this.closed)
      throw new QueueError('CLOSED', 'The queue was closed with its application; nothing can be enqueued or asked any more.');
  }

  /** The server gives up a little before the client does, so that a slow statement ends instead of costing a connection. */
  private prepare(client: pg.PoolClient, done: (error?: Error) => void): void {
    client.on('error', () => undefined);
    const timeoutMs = Math.max(1, Math.floor(this.settings.queryTimeoutMs * 0.9));
    const limits = `set lock_timeout = ${this.settings.lockTimeoutMs}; set statement_timeout = ${timeoutMs};
      set plan_cache_mode = ${this.settings.plans === 'generic' ? 'force_generic_plan' : 'auto'}`;
    client.query(`${SESSION} ${limits}`).then(() => done(), done);
  }
}

/** What the driver throws may carry rows and parameters; what leaves this room does not. */
export async function guarded<Result>(statement: Statement, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new DatabaseError(statement.name ? `run "${statement.name}"` : 'change a table', error);
  }
}

const READ_ONLY = '25006';

/**
 * A client that cannot roll back is in an unknown state, and one whose server only reads belongs to what was the primary once: they are
 * destroyed rather than given back. (A pool destroys the client of a single statement that failed.)
 */
async function rollback(client: pg.PoolClient, cause: unknown): Promise<Error | undefined> {
  const broken = cause instanceof Error ? cause : new Error(String(cause));
  try {
    await client.query('rollback');
    return cause instanceof DatabaseError && cause.sqlState === READ_ONLY ? broken : undefined;
  } catch {
    return broken;
  }
}
