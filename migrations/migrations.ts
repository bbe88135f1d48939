/**
 * For DataSources that run the migrations themselves.
 * @module nestjs-simple-queue/migrations
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { checkSchemaName } from '../lib/job/names.js';
import { DOWN, firstPartitions, SCHEMA_VERSION, UP } from './1790000000000-initial.js';

export { SCHEMA_VERSION } from './1790000000000-initial.js';

export interface CreateMigrationsOptions {
  /** Schema of the queue's tables, default `simple_queue`; the same as the module's option `schema`. */
  schema?: string;
}

export type MigrationClass = new () => MigrationInterface & { name: string };

/**
 * The migrations as TypeORM classes for one schema: list them in your own `migrations: [...]` and set the module's
 * `migrate: 'check'`, or leave it to the module (`migrate: 'run'`, the default).
 * TypeORM builds migrations without arguments, so the schema has to be part of the class.
 */
export function createMigrations(options: CreateMigrationsOptions = {}): MigrationClass[] {
  const schema = checkSchemaName(options.schema ?? 'simple_queue');
  return [migration(nameOf(schema), schema, UP, DOWN)];
}

/**
 * The statements of `up` from a version (0: no tables) to this release's, as somebody may run them by hand in one transaction; none where
 * there is nothing to do. They record themselves as a start with `migrate: 'run'` does, so that later migrations know of them.
 */
export function migrationScript(schema: string, from: number, now = new Date()): string[] {
  const checked = checkSchemaName(schema);
  if (from >= SCHEMA_VERSION) return [];
  const texts = [...UP, ...firstPartitions(now), RECORDS, record(nameOf(checked))];
  return [createSchema(checked), ...texts.map((statement) => inSchema(statement, checked))];
}

const TIMESTAMP = 1_790_000_000_000;

/** TypeORM asks for a name that ends in the timestamp. */
const nameOf = (schema: string): string => `SimpleQueueInitial_${schema}_${TIMESTAMP}`;

/** As TypeORM makes it, which leaves one that is there alone. */
const RECORDS = `create table if not exists simple_queue.migration (
    id serial primary key, "timestamp" bigint not null, name character varying not null)`;

const record = (name: string): string =>
  `insert into simple_queue.migration ("timestamp", name) values (${TIMESTAMP}, '${name}')`;

function migration(name: string, schema: string, up: readonly string[], down: readonly string[]): MigrationClass {
  return class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      await runner.query(createSchema(schema));
      await runAll(runner, schema, [...up, ...firstPartitions(new Date())]);
    }

    /**
     * Leaves the schema itself: it may hold the table that records migrations, or grants. It gives up where somebody uses the tables for
     * longer: every enqueue would wait behind it.
     */
    async down(runner: QueryRunner): Promise<void> {
      await runner.query(`set local lock_timeout = '10s'`);
      await runAll(runner, schema, down);
    }
  };
}

async function runAll(runner: QueryRunner, schema: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await runner.query(inSchema(statement, schema));
}

/** Statements are written for the default schema. The name of another was checked, and is quoted: it may be a word of SQL, as `user` is. */
export function inSchema(statement: string, schema: string): string {
  return schema === 'simple_queue' ? statement : statement.replaceAll('simple_queue.', `"${schema}".`);
}

/** `if not exists` asks for the right to create schemas even where the schema exists; a role that only owns it shall do. */
export function createSchema(schema: string): string {
  return `do $$ begin if to_regnamespace('"${schema}"') is null then create schema "${schema}"; end if; end $$`;
}
