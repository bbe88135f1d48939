import type { PoolConfig } from 'pg';
import type { DataSource } from 'typeorm';

/** The part of TypeORM's PostgreSQL options that opens a connection. */
interface Credentials {
  url?: string;
  host?: string;
  port?: number;
  username?: string;
  password?: string | (() => string) | (() => Promise<string>);
  database?: string;
  ssl?: PoolConfig['ssl'];
}

interface PostgresOptions extends Credentials {
  applicationName?: string;
  connectTimeoutMS?: number;
  replication?: { master: Credentials };
  extra?: PoolConfig;
}

/** How to reach the DataSource's database (the writer, where it replicates) with a connection of our own. */
export function connectionOptionsOf(dataSource: DataSource): PoolConfig {
  const options = dataSource.options as unknown as PostgresOptions;
  const to = options.replication?.master ?? options;
  return withoutUndefined({
    connectionString: to.url,
    host: to.host,
    port: to.port,
    user: to.username,
    password: to.password,
    database: to.database,
    ssl: to.ssl ?? options.ssl,
    application_name: options.applicationName ?? 'nestjs-simple-queue',
    connectionTimeoutMillis: options.connectTimeoutMS ?? 10_000,
    ...options.extra,
  });
}

function withoutUndefined(config: PoolConfig): PoolConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/** Do two DataSources reach the same database? Asked of a caller's manager that is not the module's own DataSource's. */
export function sameDatabase(a: DataSource, b: DataSource): boolean {
  return a === b || addressOf(a) === addressOf(b);
}

function addressOf(dataSource: DataSource): string {
  const { connectionString, host, port, database } = connectionOptionsOf(dataSource);
  if (!connectionString) return JSON.stringify([host ?? 'localhost', Number(port ?? 5432), database]);
  const url = new URL(connectionString);
  return JSON.stringify([url.hostname, Number(url.port || 5432), decodeURIComponent(url.pathname.slice(1))]);
}
