import type { DataSource, DataSourceOptions } from 'typeorm';
import { QueueError } from '../job/queue.errors.js';
import { createMigrations, createSchema, inSchema, SCHEMA_VERSION } from '../../migrations/migrations.js';
import { DatabaseError } from './database-errors.js';
import type { Database, Run } from './database.js';
import type { Statement } from './statement.js';
import { MIGRATION_LOCK, MIGRATIONS_RECORDED, SCHEMA_VERSION_OF, SERVER_VERSION } from './sql/schema-version.sql.js';

/** The oldest server that the suites run on. */
const MIN_SERVER_VERSION = 130_000;

export interface Version {
  version: number;
  compatibleFrom: number;
}

/** Where there are no tables yet. */
const NONE: Version = { version: 0, compatibleFrom: 0 };
const NO_TABLE = new Set(['42P01', '3F000']);

/** Makes sure that the tables are there and of this version, as the option `migrate` says. */
export class Migrator {
  /** The version that this release makes. */
  readonly target = SCHEMA_VERSION;

  constructor(
    private readonly database: Database,
    private readonly options: { schema: string; migrate: 'run' | 'check' | 'off' },
  ) {}

  async prepare(): Promise<void> {
    await this.checkServer();
    if (this.options.migrate === 'off') return;
    const version = await this.version();
    if (version.version < SCHEMA_VERSION && this.options.migrate === 'run') await this.migrate();
    else this.compare(version);
  }

  private async checkServer(): Promise<void> {
    const [row] = await this.database.loops.run<{ version: number }>(SERVER_VERSION, []);
    if (row!.version >= MIN_SERVER_VERSION) return;
    const found = Math.floor(row!.version / 10_000);
    throw new QueueError(
      'POSTGRES_TOO_OLD',
      `The server is PostgreSQL ${found}; nestjs-simple-queue needs 13 or newer. Upgrade the server.`,
    );
  }

  /** The version of the tables; 0 where there are none. */
  async version(): Promise<Version> {
    return (await this.firstRow<Version>(SCHEMA_VERSION_OF)) ?? NONE;
  }

  /** Were the tables made by us, or by `migrationScript`, rather than among the migrations of an application? */
  async isRecorded(): Promise<boolean> {
    return ((await this.firstRow<{ recorded: number }>(MIGRATIONS_RECORDED))?.recorded ?? 0) > 0;
  }

  /** Undoes the newest migration: with the first one all tables go, and every job in them. Only where it `isRecorded`. */
  async down(): Promise<void> {
    await this.alone('drop', (dataSource) => dataSource.undoLastMigration({ transaction: 'all' }));
  }

  /** undefined also where there is no such table. */
  private async firstRow<Row>(statement: Statement): Promise<Row | undefined> {
    try {
      return (await this.database.loops.run<Row>(statement, []))[0];
    } catch (error) {
      if (error instanceof DatabaseError && NO_TABLE.has(error.sqlState ?? '')) return undefined;
      throw error;
    }
  }

  /** A newer schema is fine as long as it says so: old pods start and scale beside new ones during a rolling deploy. */
  private compare({ version, compatibleFrom }: Version): void {
    const { schema } = this.options;
    if (version < SCHEMA_VERSION) {
      throw new QueueError(
        'SCHEMA_BEHIND',
        `Schema "${schema}" is at version ${version}, this release needs ${SCHEMA_VERSION}. Run the migrations of createMigrations({ schema: '${schema}' }), or start once with migrate: 'run'.`,
      );
    }
    if (compatibleFrom > SCHEMA_VERSION) {
      throw new QueueError(
        'SCHEMA_AHEAD',
        `Schema "${schema}" is at version ${version} and needs a release that knows version ${compatibleFrom} or newer; this one knows ${SCHEMA_VERSION}. Deploy the newer release of nestjs-simple-queue here too.`,
      );
    }
  }

  private async migrate(): Promise<void> {
    await this.alone('create', async (dataSource) => {
      if ((await this.version()).version >= SCHEMA_VERSION) return;
      // On the other connection, which migrates: TypeORM keeps its own table in this schema and needs it committed.
      await dataSource.query(createSchema(this.options.schema));
      await dataSource.runMigrations({ transaction: 'all' });
    });
    this.compare(await this.version());
  }

  /** Two connections of its own: one holds the lock, one migrates. Short-lived, and without the application's entities and options. */
  private async alone(doing: 'create' | 'drop', work: (dataSource: DataSource) => Promise<void>): Promise<void> {
    const dataSource = await this.connect();
    try {
      await dataSource.transaction(async (manager) => {
        const run: Run = (statement, values) => manager.query(inSchema(statement.text, this.options.schema), values);
        await run(MIGRATION_LOCK, []);
        await work(dataSource);
      });
    } catch (error) {
      throw new DatabaseError(`${doing} the queue's tables in schema "${this.options.schema}"`, error);
    } finally {
      await dataSource.destroy();
    }
  }

  /** TypeORM is loaded where it is needed: half a second that a command line would pay each time. */
  private async connect(): Promise<DataSource> {
    const typeorm = await import('typeorm');
    return new typeorm.DataSource(migrationOptions(this.database.dataSource, this.options.schema)).initialize();
  }
}

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

function migrationOptions(dataSource: DataSource, schema: string): DataSourceOptions {
  const options = dataSource.options as PostgresOptions;
  return {
    ...options,
    schema,
    entities: [],
    subscribers: [],
    migrations: createMigrations({ schema }),
    migrationsTableName: 'migration',
    migrationsRun: false,
    synchronize: false,
    dropSchema: false,
    cache: false,
    logging: false,
    poolSize: 2,
    extra: { ...(options.extra as object | undefined), max: 2 },
  };
}
