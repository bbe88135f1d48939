import { quote, quoteNumber } from './names.js';
import { QueueError } from './queue.errors.js';
import { inMs, type Duration } from './values/duration.js';

/** A backoff that can be stored with a job. Durations are milliseconds. */
export type StoredBackoff =
  | { type: 'constant'; delayMs: number }
  | { type: 'linear'; delayMs: number; maxMs?: number }
  | { type: 'exponential'; baseMs: number; factor: number; maxMs: number; jitter: number };

/** A function backoff; belongs to a handler, a queue or the module, since a stored job cannot carry it. */
export interface CustomBackoff {
  type: 'custom';
  /** Milliseconds to rest after this attempt (1 for the first), which failed with this error. */
  delay: (attempt: number, error: unknown) => number;
}

/** How long a job rests after an attempt that failed: made by `constant`, `linear`, `exponential` or `custom`. */
export type Backoff = StoredBackoff | CustomBackoff;

/** What a rule that fails, or returns no number, falls back to: the default's step. */
const DEFAULT_STEP_MS = 5_000;

/** The longest rest between two attempts: what a job asks for beyond a year is a mistake. */
export const MAX_DELAY_MS = 365 * 24 * 60 * 60 * 1_000;

/** The same rest after every failure. */
export function constant(options: { delayMs: Duration }): StoredBackoff {
  return stored(options, { type: 'constant', ...options });
}

/** `delayMs` after the first failure, twice that after the second, and so on up to `maxMs` (default: a year). */
export function linear(options: { delayMs: Duration; maxMs?: Duration }): StoredBackoff {
  return stored(options, { type: 'linear', ...options });
}

/** `baseMs * factor ** (attempt - 1)` up to `maxMs` (default an hour), spread by `jitter` (0 to 1, default 0.2 = up to 20 % less). */
export function exponential(options: {
  baseMs: Duration;
  factor?: number;
  maxMs?: Duration;
  jitter?: number;
}): StoredBackoff {
  const { baseMs, factor = 2, maxMs = 3_600_000, jitter = 0.2 } = options;
  return stored(options, { type: 'exponential', baseMs, factor, maxMs, jitter });
}

function stored(
  given: object,
  backoff: { type: StoredBackoff['type']; [name: string]: unknown },
): StoredBackoff {
  const names = Object.keys(FIELDS[backoff.type]);
  const other = Object.keys(given ?? {}).find((name) => name !== 'type' && !names.includes(name));
  if (other !== undefined)
    throw invalid(`there is no ${quote(other)}: ${backoff.type} takes ${names.join(', ')}`);
  return checkBackoff(inMs(backoff) as StoredBackoff) as StoredBackoff;
}

/** Your own rule: gets the attempt that failed (1 for the first) and what it threw, returns milliseconds. */
export function custom(delay: (attempt: number, error: unknown) => number): CustomBackoff {
  return { type: 'custom', delay };
}

/** The rest after attempt `attempt` (1 for the first) failed with `error`. Never throws, never leaves 0 .. MAX_DELAY_MS. */
export function delayAfter(
  backoff: Backoff,
  attempt: number,
  error: unknown,
  random: () => number = Math.random,
): number {
  const failed = Math.max(1, attempt);
  const delay = rawDelay(backoff, failed, error, random);
  if (typeof delay !== 'number' || Number.isNaN(delay))
    return Math.min(DEFAULT_STEP_MS * failed, MAX_DELAY_MS);
  return Math.min(Math.max(0, delay), MAX_DELAY_MS);
}

function rawDelay(
  backoff: Backoff,
  attempt: number,
  error: unknown,
  random: () => number,
): unknown {
  switch (backoff.type) {
    case 'constant':
      return backoff.delayMs;
    case 'linear':
      return Math.min(backoff.delayMs * attempt, backoff.maxMs ?? MAX_DELAY_MS);
    case 'exponential':
      return (
        Math.min(backoff.baseMs * growth(backoff.factor, attempt), backoff.maxMs) *
        (1 - backoff.jitter * random())
      );
    case 'custom':
      return customDelay(backoff, attempt, error);
  }
}

/** Never Infinity: a base of 0 stays 0. */
const growth = (factor: number, attempt: number): number =>
  Math.min(factor ** (attempt - 1), Number.MAX_VALUE);

/** A rule that throws must not decide the job's fate. */
function customDelay(backoff: CustomBackoff, attempt: number, error: unknown): unknown {
  try {
    const delay: unknown = backoff.delay(attempt, error);
    // An async rule cannot be waited for; that it fails must not end the process.
    if (typeof delay === 'object') void Promise.resolve(delay).catch(() => undefined);
    return delay;
  } catch {
    return undefined;
  }
}

type Rule = 'function' | readonly [min: number, max: number, needed?: 'optional'];

const FIELDS: Record<Backoff['type'], Record<string, Rule>> = {
  constant: { delayMs: [0, MAX_DELAY_MS] },
  linear: { delayMs: [0, MAX_DELAY_MS], maxMs: [0, MAX_DELAY_MS, 'optional'] },
  exponential: {
    baseMs: [0, MAX_DELAY_MS],
    factor: [1, 1_000],
    maxMs: [0, MAX_DELAY_MS],
    jitter: [0, 1],
  },
  custom: { delay: 'function' },
};

/** Checks a backoff however it was made; throws `INVALID_OPTION`. */
export function checkBackoff(backoff: Backoff): Backoff {
  const fields = fieldsOf(backoff?.type);
  if (!fields) throw invalid('make one with constant(), linear(), exponential() or custom()');
  for (const [field, rule] of Object.entries(fields))
    checkField(field, rule, (backoff as unknown as Record<string, unknown>)[field]);
  return backoff;
}

/** The backoff as it is stored with a job: what else the object may hold is not, nor is it asked how it would be written. */
export function storedBackoff(backoff: StoredBackoff): StoredBackoff {
  const given = inMs(backoff);
  const { type } = checkBackoff(given);
  const fields = Object.keys(FIELDS[type]).map((field) => [
    field,
    (given as unknown as Record<string, unknown>)[field],
  ]);
  return Object.fromEntries([['type', type], ...fields]) as StoredBackoff;
}

const fieldsOf = (type: unknown): Record<string, Rule> | undefined =>
  typeof type === 'string' && Object.hasOwn(FIELDS, type)
    ? FIELDS[type as Backoff['type']]
    : undefined;

function checkField(field: string, rule: Rule, value: unknown): void {
  if (rule === 'function') {
    if (typeof value !== 'function')
      throw invalid(`${field} must be a function of (attempt, error)`);
    return;
  }
  if (value === undefined && rule[2] === 'optional') return;
  if (typeof value !== 'number' || !(value >= rule[0] && value <= rule[1])) {
    throw invalid(
      `${field} must be a number from ${rule[0]} to ${rule[1]}, not ${quoteNumber(value)}`,
    );
  }
}

function invalid(problem: string): QueueError {
  return new QueueError('INVALID_OPTION', `backoff: ${problem}.`);
}
