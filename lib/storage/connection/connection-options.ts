import pg from 'pg';
import type { DataSource } from 'typeorm';
import { quote } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';
import { ENCODE, isTorn, urlOf } from '../../runtime/torn-address.js';
import { OWN_PARSERS } from './own-parsers.js';

/** The part of TypeORM's PostgreSQL options that opens a connection. */
interface Credentials {
  url?: string;
  host?: string;
  port?: number;
  username?: string;
  password?: string | (() => string) | (() => Promise<string>);
  database?: string;
  ssl?: pg.PoolConfig['ssl'];
  applicationName?: string;
}

interface PostgresOptions extends Credentials {
  connectTimeoutMS?: number;
  replication?: { master: Credentials };
  extra?: pg.PoolConfig;
}

/** Also where the application sets none, or 0, which is none to the driver. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What no `extra` of the DataSource changes for us. */
const OWN = { keepAlive: true, binary: false, pipeline: false, types: OWN_PARSERS };

/**
 * How each connection of ours is opened: to the DataSource's database (the writer, where it replicates), or `elsewhere` by the same
 * transport, unless that address says another.
 * @throws QueueError `INVALID_OPTION` where the transport would not be what somebody wrote.
 */
export function connectionOptionsOf(dataSource: DataSource, elsewhere?: string): pg.PoolConfig {
  const options = givenOptions(dataSource);
  const ssl = withKey(transportOf(options));
  const { application_name, connectionTimeoutMillis } = options;
  const own = { ...OWN, connectionTimeoutMillis: connectionTimeoutMillis || CONNECT_TIMEOUT_MS };
  if (elsewhere === undefined)
    return { ...options, ...own, ...(options.ssl && { ssl: withKey(options.ssl) }) };
  const there = { application_name, connectionString: elsewhere };
  transportOf(there);
  return { ...there, ...own, ...(parsed(there).host.startsWith('/') ? {} : { ssl }) };
}

/** A pool hides the private key on the application's own object, so that a copy, for a thread too, would be without it. */
function withKey(ssl: pg.PoolConfig['ssl']): pg.PoolConfig['ssl'] {
  return typeof ssl === 'object' && 'key' in ssl ? { ...ssl, key: ssl.key } : ssl;
}

/** What the application says, in the driver's words. */
function givenOptions(dataSource: DataSource): pg.PoolConfig {
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
    application_name: options.applicationName ?? to.applicationName ?? 'nestjs-simple-queue',
    connectionTimeoutMillis: options.connectTimeoutMS,
    ...options.extra,
  });
}

function withoutUndefined(config: pg.PoolConfig): pg.PoolConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/** A client that connects nowhere: how the driver reads address and options, without opening the stream that they may name. */
function parsed(options: pg.PoolConfig): pg.Client {
  const url = urlOf(options.connectionString ?? '');
  if (url && isTorn(url)) throw unusable({ message: `a sign in it ends its password. ${ENCODE}` });
  try {
    return new pg.Client({ ...options, stream: undefined });
  } catch (error) {
    throw unusable(error as { code?: string; message: string });
  }
}

/** What the address says is not repeated: a password that was not escaped may stand anywhere in it. */
function unusable({ code, message }: { code?: string; message: string }): QueueError {
  const reason =
    code === 'ENOENT' || code === 'EACCES'
      ? `a file of sslrootcert, sslcert or sslkey cannot be read (${code})`
      : message;
  return new QueueError('INVALID_OPTION', `The address of the database cannot be used: ${reason}.`);
}

/** The words of `PGSSLMODE` that the driver knows. It takes every other, `allow` among them, for clear text. */
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** Holds where neither options nor address say anything. */
const BY_ENVIRONMENT = {};

/** TLS or clear text, as the driver will have it; a slip is refused, since its price would be clear text. */
function transportOf(options: pg.PoolConfig): pg.PoolConfig['ssl'] {
  const client = parsed({ ssl: BY_ENVIRONMENT, ...options }) as unknown as {
    connectionParameters: { ssl: pg.PoolConfig['ssl'] };
  };
  const { ssl } = client.connectionParameters;
  if (typeof ssl === 'string')
    throw unknownMode('ssl', ssl, 'true, false or an object of settings; in an address, sslmode');
  if (ssl !== BY_ENVIRONMENT) return ssl;
  const mode = process.env.PGSSLMODE;
  if (mode && !SSL_MODES.includes(mode)) throw unknownMode('PGSSLMODE', mode, SSL_MODES.join(', '));
  return undefined;
}

function unknownMode(name: string, value: string, known: string): QueueError {
  return new QueueError(
    'INVALID_OPTION',
    `${name} is ${quote(value)}, which the driver does not know: the connection would be in clear text. Use ${known}.`,
  );
}

/** Do two DataSources reach the same database? Asked of a caller's manager that is not the module's own DataSource's. */
export function sameDatabase(a: DataSource, b: DataSource): boolean {
  return a === b || addressOf(a) === addressOf(b);
}

/** Does a client of the application reach it? One that reads from a replica of the DataSource may not. */
export const reaches = (client: unknown, dataSource: DataSource): boolean =>
  textOf(client as pg.Client) === addressOf(dataSource);

const addressOf = (dataSource: DataSource): string => textOf(parsed(givenOptions(dataSource)));

const textOf = ({ host, port, database }: pg.Client): string =>
  JSON.stringify([host, port, database]);
