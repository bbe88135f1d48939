import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { KeyOf } from '../job/limit.js';
import { checkText } from './option-checks.js';

/** The key of a job by `perKey.by`; undefined: its payload has none, and no limit per key holds for it. @throws QueueError `LIMIT_KEY_INVALID`. */
export function limitKeyOf(by: KeyOf, payload: unknown, stored: string): string | undefined {
  const key = typeof by === 'string' ? at(JSON.parse(stored), by) : called(by, payload);
  if (key === undefined || key === null) return undefined;
  return checked(typeof key === 'string' ? key : textOf(key), key);
}

/** A member of that whole name comes before a path. */
function at(payload: unknown, path: string): unknown {
  const whole = memberOf(payload, path);
  return whole === undefined
    ? path.split('.').reduce<unknown>((value, name) => memberOf(value, name), payload)
    : whole;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function called(by: Exclude<KeyOf, string>, payload: unknown): unknown {
  try {
    return by(payload as never);
  } catch (error) {
    throw invalid('the function perKey.by threw an error', error);
  }
}

/** Of a number or a boolean; undefined: it has none. */
const textOf = (key: unknown): string | undefined =>
  Number.isFinite(key) || typeof key === 'boolean' || typeof key === 'bigint'
    ? String(key)
    : undefined;

function checked(text: string | undefined, key: unknown): string {
  try {
    return checkText('the key', text);
  } catch {
    throw invalid(
      `perKey.by gave ${quote(key)} as the key of the job: it must be text of 1 to 512 characters, a number or a boolean, or undefined where no limit holds for the job`,
    );
  }
}

const invalid = (problem: string, cause?: unknown): QueueError =>
  new QueueError('LIMIT_KEY_INVALID', `enqueue: ${problem}. Nothing was stored.`, { cause });
