import { firstPartitions, UP } from './1790000000000-initial.js';
import { createMigrations, createSchema } from './migrations.js';
import { inSchema, SCHEMA_VERSION } from './schema.js';
import { OWN_PATH } from './values.js';

/** As TypeORM makes it, which leaves one that is there alone. */
export const RECORDS = `create table if not exists simple_queue.migration (
    id serial primary key, "timestamp" bigint not null, name character varying not null)`;

/**
 * The statements of `up` from a version (0: no tables) to this release's, as somebody may run them by hand in one transaction; none where
 * there is nothing to do. They record themselves as a start with `migrate: 'run'` does, so that later migrations know of them.
 * @throws QueueError `INVALID_NAME`.
 */
export function migrationScript(schema: string, from: number, now = new Date()): string[] {
  const names = createMigrations({ schema }).map((migration) => new migration().name);
  if (from >= SCHEMA_VERSION) return [];
  const texts = [...UP, ...firstPartitions(now), RECORDS, ...names.map(record)];
  return [
    `set local search_path = ${OWN_PATH}`,
    createSchema(schema),
    ...texts.map((statement) => inSchema(statement, schema)),
  ];
}

/** The names end in the timestamp, as TypeORM asks. */
export function record(name: string): string {
  return `insert into simple_queue.migration ("timestamp", name) values (${name.slice(-13)}, '${name}')`;
}
