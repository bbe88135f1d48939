import { existsSync, readdirSync } from 'node:fs';
import pg from 'pg';
import { parentOf } from './processes.js';

const INSTALLED = '/usr/lib/postgresql';
/**
 * Everything else is PostgreSQL's default: fsync, full_page_writes and synchronous_commit are on. Checkpoints come between samples
 * (creating a database makes one), not inside them.
 */
const SETTINGS = { max_wal_size: '16GB', checkpoint_timeout: '1h' };

const OF_DATABASE =
  'from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1';

/** A PostgreSQL of our own on this machine: the newest installed one, else the embedded one. */
export async function startPostgres() {
  const local = await import('../dist/sample/local-postgres/local-postgres.js');
  const server = await local.startPostgres({ durable: true, version: newestInstalled() });
  const admin = await configure(server);
  return new PostgresServer(server, admin);
}

export class PostgresServer {
  databases = 0;

  constructor(server, { client, counts, pid }) {
    this.server = server;
    this.client = client;
    /** Can statements be counted? */
    this.counts = counts;
    this.pid = pid;
    this.version = server.version;
  }

  async stop() {
    await this.client.end();
    await this.server.stop();
  }

  urlOf(database) {
    const url = new URL(this.server.url);
    url.pathname = `/${database}`;
    return url.href;
  }

  /** An empty database, or a copy of one. `counting`: its statements are counted (which costs the server some per cent). */
  async createDatabase({ template, counting = false, name = `sample_${++this.databases}` } = {}) {
    await this.client.query(`create database ${name}${template ? ` template ${template}` : ''}`);
    if (counting && this.counts)
      await this.client.query(`alter database ${name} set pg_stat_statements.track = 'top'`);
    return name;
  }

  /** Runs statements in a database, and leaves it free to be copied. */
  async prepare(name, ...texts) {
    await asAdmin({ url: this.urlOf(name) }, async (client) => {
      for (const text of texts) await client.query(text);
    });
  }

  async countStatements(database) {
    const { rows } = await this.client.query(
      `select coalesce(sum(calls), 0)::float8 as calls ${OF_DATABASE}`,
      [database],
    );
    return rows[0].calls;
  }

  async commonestStatements(database, limit) {
    const columns = `regexp_replace(query, '\\s+', ' ', 'g') as query, calls::int, total_exec_time::float8 as ms`;
    const { rows } = await this.client.query(
      `select ${columns} ${OF_DATABASE} order by calls desc limit $2`,
      [database, limit],
    );
    return rows;
  }

  async dropDatabase(name) {
    await this.client.query(`drop database if exists ${name} with (force)`);
  }
}

async function configure(server) {
  await asAdmin(server, async (client) => {
    for (const [name, value] of Object.entries(SETTINGS))
      await client.query(`alter system set ${name} = '${value}'`);
    if (await hasStatements(client))
      await client.query(`alter system set shared_preload_libraries = 'pg_stat_statements'`);
  });
  await server.restart('fast');
  const client = await connect(server);
  const counts = await hasStatements(client);
  if (counts) await countNothing(client);
  const { rows } = await client.query('select pg_backend_pid() as pid');
  return { client, counts, pid: parentOf(rows[0].pid) };
}

/** Counted only in databases that ask for it: those of a cell's first sample. */
async function countNothing(client) {
  await client.query('create extension pg_stat_statements');
  await client.query(`alter system set pg_stat_statements.track = 'none'`);
  await client.query('select pg_reload_conf()');
}

async function hasStatements(client) {
  const { rowCount } = await client.query(
    `select from pg_available_extensions where name = 'pg_stat_statements'`,
  );
  return rowCount > 0;
}

async function asAdmin(server, work) {
  const client = await connect(server);
  await work(client);
  await client.end();
}

async function connect(server) {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function newestInstalled() {
  const found = existsSync(INSTALLED)
    ? readdirSync(INSTALLED).filter((name) => existsSync(`${INSTALLED}/${name}/bin/postgres`))
    : [];
  return found.sort((a, b) => Number(b) - Number(a))[0];
}
