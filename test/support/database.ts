import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { eventually } from './eventually.ts';

export interface TestDatabase {
  name: string;
  url: string;
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    params?: unknown[],
  ): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A new empty database of its own on the run's server, or on another one. */
export function anEmptyDatabase(serverUrl = process.env.SQ_TEST_URL): Promise<TestDatabase> {
  if (!serverUrl)
    throw new Error('No test server: SQ_TEST_URL is set by test/support/global-setup.ts.');
  return makeDatabase(serverUrl);
}

/** A new database: empty, or a copy of another one. */
export async function makeDatabase(serverUrl: string, template?: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  // Whole files: page by page and with its log, as is the default, a copy takes twice the time of a core.
  const { SQ_TEST_URL, SQ_TEST_COPY = '' } = process.env;
  const how = serverUrl === SQ_TEST_URL ? SQ_TEST_COPY : '';
  const from = template ? `template ${template}` : '';
  await administer(serverUrl, `create database ${name} ${from} ${how}`);
  const url = withDatabase(serverUrl, name);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  // Idle connections die when a test restarts the server; the next query opens another.
  pool.on('error', () => undefined);
  return {
    name,
    url,
    query: async <Row extends pg.QueryResultRow>(sql: string, params?: unknown[]) =>
      (await pool.query<Row>(sql, params)).rows,
    drop: async () => {
      await pool.end();
      await dropDatabase(serverUrl, name);
    },
  };
}

const DAY_MS = 86_400_000;

/** The template of its day, whose first partitions are those of that day: a run that passes midnight makes another one. */
export const templateOf = (run: string, daysAgo = 0): string =>
  `${run}_${new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;

/** Like `with (force)`, which PostgreSQL 12 does not have. It waits five seconds for backends to end, a busy machine may need more. */
async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await administer(serverUrl, `alter database ${name} allow_connections false`);
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  await eventually(() => administer(serverUrl, terminate, `drop database ${name}`));
}

export async function administer(serverUrl: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

export function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
