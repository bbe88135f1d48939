import { statement } from '../statement.js';

/** Which version of our tables stands in the schema, and the oldest release that may work on it; fails with 42P01 or 3F000 where there are none. */
export const SCHEMA_VERSION_OF = statement(
  'schema_version',
  `select version, compatible_from as "compatibleFrom" from simple_queue.version order by version desc limit 1`,
);

/** TypeORM's own table, which lists the migrations that it ran; fails with 42P01 where an application's list holds them. */
export const MIGRATIONS_RECORDED = statement(
  'migrations_recorded',
  `select count(*)::int as recorded from simple_queue.migration where name like 'SimpleQueue%'`,
);

export const SERVER_VERSION = statement('server_version', `select current_setting('server_version_num')::int as version`);

/** Ten instances that start at once queue up here; released by the end of the transaction, so that a pooler can stand between. */
export const MIGRATION_LOCK = statement(
  'migration_lock',
  `select pg_advisory_xact_lock(hashtextextended('simple_queue.migrate', 0))`,
);
