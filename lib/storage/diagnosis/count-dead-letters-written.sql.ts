import { statement } from '../connection/statement.js';

/** The server's own counters of inserted rows: no row is read. They follow up to ten seconds behind. */
export const COUNT_DEAD_LETTERS_WRITTEN = statement(
  'count_dead_letters_written',
  `select coalesce(sum(pg_catalog.pg_stat_get_tuples_inserted(i.inhrelid)), 0)::float8 as written
  from pg_catalog.pg_inherits i where i.inhparent = 'simple_queue.dead_letter'::regclass`,
);
