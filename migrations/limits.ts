/**
 * What a row may hold: whoever may insert into the tables can insert anything that these let in, and one value that the code cannot read
 * would stop a queue (docs/adr/0024-what-a-row-may-hold.md). One constraint for each table, since every statement reads each of them anew.
 */

/** Four digits, so that text order is time order and JavaScript reads it; no infinity. */
export const times = (...columns: string[]): string =>
  columns.map((column) => `${column} >= '1000-01-01 00:00+00' and ${column} < '10000-01-01 00:00+00'`).join(' and ');

/** Counts up without an overflow in sight; epochs after a revival begin above 2,000,000,000. */
export const EPOCH = `epoch between 0 and 2147000000`;
export const COUNTS = `attempt between 0 and 1000000000 and reschedules between 0 and 1000000000 and stalls between 0 and 32000`;

const NAME = '[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}';
const LABEL = '[A-Za-z0-9_][A-Za-z0-9_.:/=-]{0,63}';

/** The rules of lib/job/names.ts and labels.ts. */
export const QUEUE_NAME = `name collate "C" ~ '^${NAME}$'`;
export const LANE_NAME = `name collate "C" ~ '^(${NAME})?$'`;
export const LABELS = `cardinality(labels) <= 16 and array_position(labels, null) is null
      and array_to_string(labels, ',') collate "C" ~ '^(${LABEL}(,${LABEL})*)?$'`;

const typed = (key: string, type: string): string => `(!exists($.${key}) || $.${key}.type() == "${type}")`;
const within = (key: string, min: number, max: number): string =>
  `(!exists($.${key}) || $.${key}.type() == "number" && $.${key} >= ${min} && $.${key} <= ${max})`;

const matches = (column: string, ...rules: string[]): string =>
  `(${column} is null or coalesce(jsonb_path_match(${column}, '${rules.join(' && ')}', '{}', true), false))`;

/** As JSON that the code reads without looking twice. */
export const SHAPES = [
  matches(
    'options',
    '$.type() == "object"',
    ...[typed('headers', 'object'), '!exists($.headers.* ? (@.type() != "string"))', typed('backoff', 'object')],
    ...[within('maxAttempts', 1, 1_000), within('timeoutMs', 1, 86_400_000), within('extraAttempts', 0, 1_000)],
    ...[typed('workflowId', 'string'), typed('group', 'string')],
  ),
  matches('last_error', '$.type() == "object"', 'exists($.name)', 'exists($.message)', ...['name', 'message', 'stack', 'code'].map((key) => typed(key, 'string'))), // prettier-ignore
  matches(
    'history',
    '$.type() == "array"',
    '$.size() <= 100',
    '!exists($[*] ? (!(@.type() == "object" && @.attempt.type() == "number" && @.outcome.type() == "string" && @.at.type() == "string")))',
  ),
].join('\n      and ');
