import { QueueError } from './queue.errors.js';
import { visible } from './values/unseen.js';

const SCHEMA = /^[a-z_][a-z0-9_]{0,47}$/;
const QUEUE = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Schema names become SQL text, in quotes where they are not the default: so nothing is let in that could end them. */
export function checkSchemaName(schema: unknown, what = 'a schema name'): string {
  if (typeof schema === 'string' && SCHEMA.test(schema) && !schema.startsWith('pg_')) return schema;
  throw new QueueError(
    'INVALID_NAME',
    `${quote(schema)} is not ${what}. Use 1 to 48 of a-z, 0-9 and _, not starting with a digit or pg_.`,
  );
}

/** Queue names are bound, never text; the limits keep them readable in logs, URLs and NOTIFY payloads. */
export function checkQueueName(queue: unknown): string {
  if (typeof queue === 'string' && QUEUE.test(queue)) return queue;
  throw new QueueError(
    'INVALID_NAME',
    `${quote(queue)} is not a queue name. Use 1 to 100 of letters, digits and _ . : / -, starting with a letter, a digit or _.`,
  );
}

/** A job name follows the rules of a queue name, or is empty (the handler's `process`). */
export function checkJobName(name: unknown): string {
  if (name === '' || (typeof name === 'string' && QUEUE.test(name))) return name;
  throw new QueueError(
    'INVALID_NAME',
    `${quote(name)} is not a job name. Use 1 to 100 of letters, digits and _ . : / -, starting with a letter, a digit or _.`,
  );
}

export const isId = (id: unknown): id is string => typeof id === 'string' && UUID.test(id);

/** Ids are UUIDs; the answer is in lower case, as PostgreSQL writes it. */
export function checkId(id: unknown): string {
  if (isId(id)) return id.toLowerCase();
  throw new QueueError('INVALID_OPTION', `id: ${quote(id)} is not a UUID.`);
}

/** The same where a number is wanted: only a number is written out, since an object may refuse to be. */
export const quoteNumber = (value: unknown): string =>
  typeof value === 'number' ? String(value) : quote(value);

/** Shows a value in an error message: short, and never more than a name's worth of it. */
export function quote(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  return visible(JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value));
}

/** A schema as a statement names it, a printed one as well. */
export const inQuotes = (schema: string): string =>
  schema === 'simple_queue' ? schema : `"${schema}"`;
