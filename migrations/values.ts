/**
 * What a column may hold, as domains: whoever may insert into a table can insert anything that these let in, and one value that the code
 * cannot read would stop a queue. Not as checks of the tables, which each statement reads and plans again: see
 * docs/adr/0024-what-a-row-may-hold.md.
 */

/** Where the functions and operators of a migration are looked for. */
export const OWN_PATH = 'pg_catalog, pg_temp';

/** The rules of lib/job/names.ts and lib/job/values/labels.ts. */
const NAME = '[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}';
const LABEL = '[A-Za-z0-9_][A-Za-z0-9_.:/=-]{0,63}';
export const QUEUE_NAME = `name collate "C" ~ '^${NAME}$'`;
/** That of a limit per key of a queue ends in a slash and a star. */
export const LIMIT_NAME = `name collate "C" ~ '^${NAME}(/[*])?$'`;
export const LANE_NAME = `name collate "C" ~ '^(${NAME})?$'`;
export const LABELS = `cardinality(labels) <= 16 and array_position(labels, null) is null and '' <> all(labels)
      and array_to_string(labels, ',') collate "C" ~ '^(${LABEL}(,${LABEL})*)?$'`;

/** Four digits, so that text order is time order and JavaScript reads it; no infinity. */
export const isMoment = (value: string): string =>
  `${value} >= '1000-01-01 00:00+00' and ${value} < '10000-01-01 00:00+00'`;

const each = (rules: Record<string, string>): string =>
  Object.entries(rules)
    .map(
      ([key, rule]) => `(not value ? '${key}' or ${rule.replaceAll('{}', `(value -> '${key}')`)})`,
    )
    .join(' and ');
const whole = (min: number, max: number): string =>
  `jsonb_typeof({}) = 'number' and {}::numeric between ${min} and ${max}`;
const text = `jsonb_typeof({}) = 'string'`;

/** By operators, not by a path, which costs five times as much: every job with options is asked. */
const OPTIONS = each({
  headers: `jsonb_typeof({}) = 'object' and not jsonb_path_exists({}, 'strict $.* ? (@.type() != "string")')`,
  backoff: `jsonb_typeof({}) = 'object'`,
  maxAttempts: whole(1, 1_000),
  timeoutMs: whole(1, 86_400_000),
  extraAttempts: whole(0, 1_000),
  workflowId: text,
  group: text,
  step: text,
  limitKey: text,
  schedule: `jsonb_typeof({} -> 'name') = 'string' and jsonb_typeof({} -> 'at') = 'string'`,
});
const number = `jsonb_typeof({}) = 'number'`;
const PROGRESS = each({ done: number, of: number, attempt: number, note: text, at: text });
const FAILURE = each({ name: text, message: text, stack: text, code: text });
const ENTRY = Object.entries({
  attempt: 'number',
  outcome: 'string',
  at: 'string',
  runMs: 'number',
  error: 'object',
})
  .map(([key, type]) => `exists(@.${key} ? (@.type() != "${type}"))`)
  .join(' || ');

/** A count that is raised by one never overflows; epochs after a revival begin above 2,000,000,000. */
const DOMAINS = [
  `create domain simple_queue.moment as timestamptz check (${isMoment('value')})`,
  `create domain simple_queue.epoch as int check (value between 0 and 2147000000)`,
  `create domain simple_queue.counter as int check (value between 0 and 1000000000)`,
  `create domain simple_queue.stalls as smallint check (value between 0 and 32000)`,
  `create domain simple_queue.suspicion as smallint check (value between 0 and 10)`,
  `create domain simple_queue.tag as text check (length(value) between 1 and 512)`,
  `create domain simple_queue.group_key as text check (length(value) <= 512)`,
  `create domain simple_queue.options as jsonb check (jsonb_typeof(value) = 'object' and ${OPTIONS})`,
  `create domain simple_queue.failure as jsonb check (jsonb_typeof(value) = 'object' and ${FAILURE})`,
  `create domain simple_queue.progress as jsonb check (jsonb_typeof(value) = 'object' and value ?& '{done,attempt,at}' and ${PROGRESS})`,
  `create domain simple_queue.history as jsonb check (jsonb_typeof(value) = 'array' and jsonb_array_length(value) <= 100
    and not jsonb_path_exists(value, 'strict $[*] ? (@.type() != "object" || ${ENTRY})'))`,
];

const NAMES = DOMAINS.map((text) => text.split(' ')[2]).join(', ');

/** A tool that clears a schema may know tables only, as TypeORM's `dropSchema`. Where tables are about, nothing of what it leaves can be dropped. */
export const VALUES = [
  `drop function if exists simple_queue.enqueue`,
  `drop sequence if exists simple_queue.turn`,
  `drop domain if exists ${NAMES}`,
  ...DOMAINS,
];

/** Nobody else makes an operator for them, which a caller's session would prefer to PostgreSQL's own. */
export const KEEP_VALUES = `revoke all on type ${NAMES} from public`;

export const DROP_VALUES = `drop domain ${NAMES}`;
