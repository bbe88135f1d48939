import { statement } from './statement.js';

/** Which tables these are, wherever they move: the migration gave one of them a name as its comment, which upgrades and dumps keep. */
export const TABLES_NAME = statement(
  'tables_name',
  `select pg_catalog.concat_ws('/', pg_catalog.obj_description('simple_queue.given_id'::regclass, 'pg_class'), pg_catalog.current_database()) as name`,
);
