import { inQuotes } from '../lib/job/names.js';

/** The version that `up` leaves behind; `migrate: 'check'` compares it with the table's. Apart from what it takes to migrate, which few starts do. */
export const SCHEMA_VERSION = 1;

/**
 * Statements are written for the default schema, which the built library shortens to `~~`, and the time to `~~t`. The name of another was checked, and is quoted: it may be a
 * word of SQL, as `user` is.
 */
export function inSchema(statement: string, schema: string): string {
  return statement
    .replaceAll(/(?:simple_queue|~~)\./g, `${inQuotes(schema)}.`)
    .replaceAll('~~t', 'statement_timestamp()');
}
