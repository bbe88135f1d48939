import pg from 'pg';
import { rest } from '../worker/clock.js';
import { treeSeconds } from './processes.js';

/** Is everything that was claimed acknowledged? Asked of the database itself, so that no system's word is taken for it. */
const IS_DRAINED = {
  'nestjs-simple-queue': 'select not exists (select from simple_queue.claim) as drained',
  floor: 'select not exists (select from simple_queue.claim) as drained',
  'graphile-worker': `select not exists (select from graphile_worker._private_jobs where run_at <= now()
    and task_id in (select id from graphile_worker._private_tasks where identifier like 'bench%')) as drained`,
  'bullmq-postgres': `select not exists (select from bullmq.job where queue like 'bench%' and state in ('waiting', 'active')) as drained`,
  'pg-boss': `select not exists (select from pgboss.job where name like 'bench%' and state < 'completed' and start_after <= now()) as drained`,
  dbos: `select not exists (select from dbos.workflow_status where queue_name = 'bench' and status in ('ENQUEUED', 'PENDING')) as drained`,
};

const SCHEMAS = {
  'nestjs-simple-queue': 'simple_queue',
  floor: 'simple_queue',
  'graphile-worker': 'graphile_worker',
  'bullmq-postgres': 'bullmq',
  'pg-boss': 'pgboss',
  dbos: 'dbos',
};

/** The database of one sample: a fresh copy of the system's tables, gone after it. */
export class PostgresTarget {
  static async create(server, system, { template, counting }) {
    const database = await server.createDatabase({ template, counting });
    const client = new pg.Client({ connectionString: server.urlOf(database) });
    client.on('error', () => undefined);
    await client.connect();
    return new PostgresTarget({
      server,
      system,
      database,
      client,
      counting: counting && server.counts,
    });
  }

  constructor({ server, system, database, client, counting }) {
    this.server = server;
    this.client = client;
    this.database = database;
    this.schema = SCHEMAS[system];
    this.counting = counting;
    this.settings = { url: server.urlOf(database) };
    this.drainedText = IS_DRAINED[system];
  }

  query(text, values) {
    return this.client.query(text, values).then((result) => result.rows);
  }

  /** After many jobs were stored: what autovacuum would do within the minute, done at once for every system. */
  async analyze() {
    await this.client.query('analyze');
  }

  async isDrained() {
    return (await this.query(this.drainedText))[0].drained;
  }

  async counters() {
    const [{ wal }] = await this.query(`select pg_current_wal_lsn() - '0/0'::pg_lsn as wal`);
    return {
      cpu: treeSeconds(this.server.pid),
      wal: Number(wal),
      statements: this.counting ? await this.server.countStatements(this.database) : 0,
    };
  }

  /** What the server learns only when the clients are gone: rows that died, commits, and what the tables hold then. */
  async remains() {
    await this.untilFlushed();
    const [row] = await this.query(
      `select (select xact_commit from pg_stat_database where datname = current_database()) as commits,
        (select sum(n_tup_upd + n_tup_del) from pg_stat_user_tables where schemaname = $1) as dead,
        (select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = $1 and c.relkind = 'r') as size`,
      [this.schema],
    );
    return { commits: Number(row.commits), dead: Number(row.dead), size: Number(row.size) };
  }

  async statements(limit) {
    return this.counting ? this.server.commonestStatements(this.database, limit) : [];
  }

  /** Backends hand in their numbers when they end. */
  async untilFlushed() {
    for (let look = 0; look < 100; look++) {
      const [{ others }] = await this.query(
        `select count(*)::int as others from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
      );
      if (others === 0) break;
      await rest(20);
    }
    await this.client.query('select pg_stat_clear_snapshot()');
  }

  async drop() {
    await this.client.end();
    await this.server.dropDatabase(this.database);
  }
}
