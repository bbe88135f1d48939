import { statement } from './statement.js';

/** One time for what several statements insert: as ISO 8601, since a caller's DateStyle may write a zone that it reads as another. */
export const DATABASE_TIME = statement(
  'database_time',
  `select pg_catalog.to_json(statement_timestamp()) #>> '{}'::text[] as now`,
);
