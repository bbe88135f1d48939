import { setTimeout as rest } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { QueueError } from '../../job/queue.errors.js';
import { SCHEMA_VERSION } from '../../../migrations/schema.js';
import { onApplications, type Asked } from '../connection/application-connection.js';
import type { Connections, Run } from '../connection/connections.js';
import { DatabaseError } from '../connection/database-errors.js';
import type { Database } from '../connection/database.js';
import { refuseTransactionPooler } from '../connection/pooler-check.js';
import type { Statement } from '../connection/statement.js';
import { inStart, type Warn } from '../connection/until-served.js';
import { readVersion, type Version } from './schema-version.js';
import {
  FORGET_MIGRATION,
  LIST_MIGRATIONS,
  MIGRATIONS_RECORDED,
  TRY_MIGRATION_LOCK,
} from './schema-version.sql.js';
import { command } from '../../runtime/words.js';

/** The oldest server that the suites run on. */
const MIN_SERVER_VERSION = 130_000;

/** Where there are no tables yet. */
const NONE: Version = { version: 0, compatibleFrom: 0 };
const NO_TABLE = new Set(['42P01', '3F000']);

/** How long one statement of a migration may take, and how long to try while another process migrates. */
const PATIENCE_MS = 5 * 60_000;
/** Between two tries: jittered, so that a fleet does not ask in step. */
const MOST_REST_MS = 300;

/** Loaded by who migrates: most starts only compare two numbers. */
async function migrationsOf(schema: string) {
  const { createMigrations } = await import('../../../migrations/migrations.js');
  return createMigrations({ schema }).map((migration) => new migration());
}

interface MigratorOptions {
  schema: string;
  migrate: 'run' | 'check' | 'off';
  poolMode: 'session' | 'transaction';
  queryTimeoutMs: number;
  patienceMs?: number;
  warn?: Warn | undefined;
}

/**
 * Makes sure that the tables are there and of this version, as the option `migrate` says. It works on one connection at a time, which it
 * keeps no longer than it needs: behind a pooler with few connections nobody waits for what a waiting one holds.
 */
export class Migrator {
  /** The version that this release makes. */
  readonly target = SCHEMA_VERSION;

  constructor(
    private readonly database: Database,
    private readonly options: MigratorOptions,
  ) {}

  async prepare(): Promise<void> {
    const look = async (asked: Asked) => ({
      mayBePooled: await this.checkServer(asked),
      version: this.options.migrate === 'off' ? undefined : await versionOf(asked),
    });
    const { mayBePooled, version } = (await this.askApplication(look)) ?? (await this.look(look));
    if (mayBePooled) await refuseTransactionPooler(this.database.dataSource);
    if (!version) return;
    if (version.version < SCHEMA_VERSION && this.options.migrate === 'run') await this.up();
    else this.compare(version);
  }

  /** Returns whether something is between them that `poolMode` says nothing of. */
  private async checkServer(asked: Asked): Promise<boolean> {
    const { version, mayBePooled } = await asked.server();
    if (version >= MIN_SERVER_VERSION) return this.options.poolMode === 'session' && mayBePooled;
    const found = Math.floor(version / 10_000);
    throw new QueueError(
      'POSTGRES_TOO_OLD',
      `The server is PostgreSQL ${found}; nestjs-simple-queue needs 13 or newer. Upgrade the server.`,
    );
  }

  /** The version of the tables; 0 where there are none. */
  version(): Promise<Version> {
    return this.look(versionOf);
  }

  /** Were the tables made by us, or by `migrationScript`, rather than among the migrations of an application? */
  isRecorded(): Promise<boolean> {
    return this.look(async ({ run }) => {
      const rows = await whereThere(() => run<{ recorded: number }>(MIGRATIONS_RECORDED, []));
      return (rows?.[0]?.recorded ?? 0) > 0;
    });
  }

  /** Undoes the newest migration: with the first one all tables go, and every job in them. Only where it `isRecorded`. */
  async down(): Promise<void> {
    await this.alone(async (run) => {
      const [newest] = await run<{ name: string }>(LIST_MIGRATIONS, []);
      const known = await migrationsOf(this.options.schema);
      const migration = known.find(({ name }) => name === newest?.name);
      if (!migration) return;
      await migration.down(this.runner(run, 'drop'));
      await run(FORGET_MIGRATION, [migration.name]);
    });
  }

  /** A newer schema is fine as long as it says so: old pods start and scale beside new ones during a rolling deploy. */
  private compare({ version, compatibleFrom }: Version): void {
    const { schema } = this.options;
    if (version < SCHEMA_VERSION) {
      throw new QueueError(
        'SCHEMA_BEHIND',
        `Schema "${schema}" is at version ${version}, this release needs ${SCHEMA_VERSION}. Run \`${command(['migrate', 'up'], this.options)}\`, or the migrations of createMigrations({ schema: '${schema}' }), or start once with migrate: 'run'.`,
      );
    }
    if (compatibleFrom > SCHEMA_VERSION) {
      throw new QueueError(
        'SCHEMA_AHEAD',
        `Schema "${schema}" is at version ${version} and needs a release that knows version ${compatibleFrom} or newer; this one knows ${SCHEMA_VERSION}. Deploy the newer release of nestjs-simple-queue here too.`,
      );
    }
  }

  private async up(): Promise<void> {
    const { schema } = this.options;
    const { createSchema } = await import('../../../migrations/migrations.js');
    const { RECORDS, record } = await import('../../../migrations/script.js');
    const migrations = await migrationsOf(schema);
    await this.alone(async (run) => {
      const runner = this.runner(run, 'create');
      // One at a time, and the schema first: the list of migrations is in it.
      for (const text of [createSchema(schema), RECORDS]) await runner.query(text);
      const known = new Set(
        (await run<{ name: string }>(LIST_MIGRATIONS, [])).map(({ name }) => name),
      );
      for (const migration of migrations) {
        if (known.has(migration.name)) continue;
        await migration.up(runner);
        await runner.query(record(migration.name));
      }
    });
    this.compare(await this.version());
  }

  /** What a migration needs of TypeORM, without loading it: a command line would pay half a second for it each time. */
  private runner(run: Run, verb: 'create' | 'drop'): QueryRunner {
    const doing = `${verb} the queue's tables in schema "${this.options.schema}"`;
    const query = (text: string) => run({ name: '', text, doing }, []);
    return { query, isTransactionActive: true } as unknown as QueryRunner;
  }

  private look<Answer>(work: (connections: Connections) => Promise<Answer>): Promise<Answer> {
    return this.onOne(this.options.queryTimeoutMs, work);
  }

  /** undefined: there is no connection of an application to ask on, as on a command line, or none of use. */
  private async askApplication<Answer extends object>(
    work: (asked: Asked) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const { dataSource } = this.database;
    if (!('query' in dataSource)) return undefined;
    const textOf = (statement: Statement) => this.database.textOf(statement);
    return onApplications(dataSource, textOf, work);
  }

  /** In one transaction, while no other process migrates; tries until it is alone. */
  private async alone(work: (run: Run) => Promise<void>): Promise<void> {
    const { patienceMs = PATIENCE_MS } = this.options;
    const deadline = performance.now() + patienceMs;
    const attempt = async (run: Run): Promise<boolean> => {
      const [lock] = await run<{ locked: boolean }>(TRY_MIGRATION_LOCK, []);
      if (lock!.locked) await work(run);
      return lock!.locked;
    };
    while (!(await this.onOne(PATIENCE_MS, (connections) => connections.transaction(attempt)))) {
      if (performance.now() > deadline) throw this.tired(patienceMs);
      await rest(MOST_REST_MS * (0.5 + 0.5 * Math.random()));
    }
  }

  private tired(patienceMs: number): QueueError {
    return new QueueError(
      'DATABASE_ERROR',
      `Another process has kept the lock of migrations in this database for ${Math.round(patienceMs / 1_000)} s, so schema "${this.options.schema}" could not be migrated. See who holds an advisory lock in pg_locks, and start again.`,
    );
  }

  private async onOne<Answer>(
    timeoutMs: number,
    work: (connections: Connections) => Promise<Answer>,
  ): Promise<Answer> {
    const tried = async (): Promise<Answer> => {
      const connections = this.database.aside(timeoutMs);
      try {
        return await work(connections);
      } finally {
        await connections.close();
      }
    };
    return inStart(this.database.dataSource, tried, { warn: this.options.warn });
  }
}

async function versionOf({ run }: Pick<Asked, 'run'>): Promise<Version> {
  return (await whereThere(() => readVersion(run))) ?? NONE;
}

/** undefined where there is no such table. */
async function whereThere<Found>(work: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError && NO_TABLE.has(error.sqlState ?? '')) return undefined;
    throw error;
  }
}
