import { statement } from '../connection/statement.js';

/**
 * Which version of our tables is in the schema, and the oldest release that may work on it; fails with 42P01 or 3F000 where there are none.
 * This one runs on a connection of the application, too: there only text is sure to come as text.
 */
export const SCHEMA_VERSION_OF = statement(
  'schema_version',
  `select v.version::text, v.compatible_from::text as "compatibleFrom" from simple_queue.version v order by v.version desc limit 1`,
);

/** TypeORM's own table, which lists the migrations that it ran; fails with 42P01 where an application's list holds them. */
export const MIGRATIONS_RECORDED = statement(
  'migrations_recorded',
  `select count(*)::int as recorded from simple_queue.migration where name like 'SimpleQueue%'`,
);

/**
 * Instances that start at once migrate one after the other. Tried, not waited for: who waits would hold a connection, and through a pooler
 * the one that migrates might get none. Released by the end of the transaction, so that a pooler can stand between.
 */
export const TRY_MIGRATION_LOCK = statement(
  '',
  `select pg_try_advisory_xact_lock(hashtextextended('simple_queue.migrate', 0)) as locked`,
);

/** The newest one first. */
export const LIST_MIGRATIONS = statement(
  '',
  `select name from simple_queue.migration order by id desc`,
);

/** $1: the name. */
export const FORGET_MIGRATION = statement('', `delete from simple_queue.migration where name = $1`);
