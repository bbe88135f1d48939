/**
 * For DataSources that run the migrations themselves.
 * @module nestjs-simple-queue/migrations
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { checkSchemaName } from '../lib/job/names.js';
import { DOWN, firstPartitions, UP } from './1790000000000-initial.js';
import { inSchema } from './schema.js';
import { OWN_PATH } from './values.js';

export { SCHEMA_VERSION } from './schema.js';

/** For which schema the migrations are. */
export interface CreateMigrationsOptions {
  /** Schema of the queue's tables, default `simple_queue`; the same as the module's option `schema`. */
  schema?: string;
}

/** A class as TypeORM's option `migrations` takes it. */
export type MigrationClass = new () => MigrationInterface & { name: string };

/**
 * The migrations as TypeORM classes for one schema: list them in your own `migrations: [...]` and set the module's
 * `migrate: 'check'`, or leave it to the module (`migrate: 'run'`, the default).
 */
export function createMigrations(options: CreateMigrationsOptions = {}): MigrationClass[] {
  const schema = checkSchemaName(options.schema ?? 'simple_queue');
  return [migration(`SimpleQueueInitial_${schema}_1790000000000`, schema, UP, DOWN)];
}

function migration(
  name: string,
  schema: string,
  up: readonly string[],
  down: readonly string[],
): MigrationClass {
  return class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      await inTransaction(runner, async () => {
        await runner.query(createSchema(schema));
        await runAll(runner, schema, [...up, ...firstPartitions(new Date())]);
      });
    }

    /**
     * Leaves the schema itself: it may hold the table that records migrations, or grants. It gives up where somebody uses the tables for
     * longer: every enqueue would wait behind it.
     */
    async down(runner: QueryRunner): Promise<void> {
      await inTransaction(runner, async () => {
        await runner.query(`set local lock_timeout = '10s'`);
        await runAll(runner, schema, down);
      });
    }
  };
}

/** Half a migration would have a version already; with `migrationsTransactionMode: 'none'` the runner has no transaction. */
async function inTransaction(runner: QueryRunner, work: () => Promise<void>): Promise<void> {
  if (runner.isTransactionActive) return work();
  await runner.startTransaction();
  try {
    await work();
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
}

async function runAll(
  runner: QueryRunner,
  schema: string,
  statements: readonly string[],
): Promise<void> {
  await pinned(runner, async () => {
    for (const statement of statements) await runner.query(inSchema(statement, schema));
  });
}

/** Defaults, checks and views keep what their text meant in the session that made them: PostgreSQL's own, whatever it searches first. */
async function pinned(runner: QueryRunner, work: () => Promise<void>): Promise<void> {
  const [{ search_path: before }] = (await runner.query('show search_path')) as [
    { search_path: string },
  ];
  const search = (path: string): Promise<unknown> =>
    runner.query(`select pg_catalog.set_config('search_path', $sq$${path}$sq$, true)`);
  await search(OWN_PATH);
  await work().catch(async (error: unknown) => {
    // In vain in a failed transaction, whose end brings it back.
    await search(before).catch(() => undefined);
    throw error;
  });
  await search(before);
}

/** `if not exists` asks for the right to create schemas even where the schema exists; a role that only owns it shall do. */
export function createSchema(schema: string): string {
  return `do $$ begin if pg_catalog.to_regnamespace('"${schema}"') is null then create schema "${schema}"; end if; end $$`;
}
