import { allStatements } from '../../support/statements.js';

type Query = <Row extends Record<string, unknown>>(
  sql: string,
  params?: unknown[],
) => Promise<Row[]>;

const PREPARED = /^\s*(with|select|insert|update|delete)\b/;

/** Every statement as it is sent, by the name of its file in docs/sql. `query` has one session: the server says what the parameters are. */
export async function printedStatements(query: Query): Promise<Map<string, string>> {
  const printed = new Map<string, string>();
  for (const [name, { text }] of (await allStatements()).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    printed.set(
      `${name.toLowerCase()}.sql`,
      PREPARED.test(text) ? await prepared(query, name, text) : `${text.trim()};\n`,
    );
  return printed;
}

/** What `psql` takes as it stands: `execute`, or `explain execute`, is the next line. */
async function prepared(query: Query, name: string, text: string): Promise<string> {
  await query(`prepare ${name} as ${text}`);
  const [row] = await query<{ types: string[] }>(
    'select parameter_types::text[] as types from pg_prepared_statements where name = lower($1)',
    [name],
  );
  const { types } = row!;
  const list = types.map((type, index) => `$${index + 1} ${type}`).join(', ');
  return `-- ${list || 'no parameters'}\nprepare ${name.toLowerCase()} as\n${text.trim()};\n`;
}
