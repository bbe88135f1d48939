import pg from 'pg';
import { DataSource, type DataSourceOptions, type EntityManager, type QueryRunner } from 'typeorm';
import { QueueEventBus } from '../../lib/observability/events.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type {
  ResolvedOptions,
  SimpleQueueOptions,
} from '../../lib/options/simple-queue.options.js';
import type { Run } from '../../lib/storage/connection/database.js';
import { Storage } from '../../lib/storage/storage.js';
import type { TestDatabase } from './database.js';
import { aDatabase } from './template.js';
import { Rows } from './rows.js';

export interface TestStorage {
  database: TestDatabase;
  dataSource: DataSource;
  storage: Storage;
  events: QueueEventBus;
  rows: Rows;
  options: ResolvedOptions;
  close(): Promise<void>;
}

/** The storage room on a database of its own, without Nest and without a worker. */
export async function aStorage(options: SimpleQueueOptions = {}): Promise<TestStorage> {
  const database = await aDatabase();
  const dataSource = await aDataSource(database.url);
  const events = new QueueEventBus();
  const storage = await openStorage(dataSource, options, events);
  return {
    database,
    dataSource,
    storage,
    events,
    rows: new Rows(database),
    options: resolveOptions(options).options,
    close: async () => {
      await storage.onApplicationShutdown();
      await dataSource.destroy();
      await database.drop();
    },
  };
}

export function openStorage(
  dataSource: DataSource,
  options: SimpleQueueOptions = {},
  events = new QueueEventBus(),
): Promise<Storage> {
  return Storage.open(dataSource, resolveOptions(options).options, events);
}

export function aDataSource(
  url: string,
  options: Partial<DataSourceOptions> = {},
): Promise<DataSource> {
  return new DataSource({ type: 'postgres', url, ...options } as DataSourceOptions).initialize();
}

/** A connection of its own, to stand in the way of others. */
export class Rival {
  private constructor(private readonly client: pg.Client) {}

  static async connect(database: TestDatabase): Promise<Rival> {
    const client = new pg.Client({ connectionString: database.url });
    // A test may have the server end it.
    client.on('error', () => undefined);
    await client.connect();
    return new Rival(client);
  }

  async begin(isolation = 'read committed'): Promise<void> {
    await this.client.query(`begin isolation level ${isolation}`);
  }

  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    params?: unknown[],
  ): Promise<Row[]> {
    return (await this.client.query<Row>(sql, params)).rows;
  }

  async commit(): Promise<void> {
    await this.client.query('commit');
  }

  async rollback(): Promise<void> {
    await this.client.query('rollback');
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

/** How many backends of the database wait for a lock right now. */
export async function waitingBackends(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return row!.n;
}

/** Statements in a caller's transaction, each a call of its own. */
export function runIn({ database }: Storage, manager: EntityManager | QueryRunner): Run {
  return (statement, values) =>
    database.transactionOf({ manager })!.alone((run) => run(statement, values));
}

/** What the enqueuer is told of a caller's transaction. */
export const joining = ({ database }: Storage, manager: EntityManager | QueryRunner) => ({
  joined: database.transactionOf({ manager }),
});
