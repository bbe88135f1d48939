import { inQuotes } from '../lib/job/names.js';

/** The version that `up` leaves behind; `migrate: 'check'` compares it with the table's. Apart from what it takes to migrate, which few starts do. */
export const SCHEMA_VERSION = 1;

/** What the built library shortens in its statements. */
const WORDS: Readonly<Record<string, string>> = {
  '~~t': 'statement_timestamp()',
  '~~m': 'as materialized',
  '~~l': 'cross join lateral',
  '~~s': 'shard = $1 and',
  '~~e': 'exists (select from',
};

/**
 * Statements are written for the default schema, which the built library shortens to `~~`, as it does with the words above. The name of another was checked, and is quoted: it may be a
 * word of SQL, as `user` is.
 */
export function inSchema(statement: string, schema: string): string {
  return statement
    .replaceAll(/(?:simple_queue|~~)\./g, `${inQuotes(schema)}.`)
    .replaceAll(/~~[tmlse]/g, (short) => WORDS[short]!);
}
