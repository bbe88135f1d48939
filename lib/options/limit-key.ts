import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { hush } from '../job/kinds.js';
import type { KeyOf } from '../job/limit.js';
import { JsonText } from '../job/values/json-text.js';
import { isText, MAX_TEXT } from '../job/values/text.js';

/** The key of a job by `perKey.by`; undefined: its payload has none, and no limit per key holds for it. @throws QueueError `LIMIT_KEY_INVALID`. */
export function limitKeyOf(
  by: KeyOf,
  payload: unknown,
  stored: string,
  call = 'enqueue',
): string | undefined {
  const key = typeof by === 'string' ? at(JSON.parse(stored), by) : called(by, payload, call);
  if (key === undefined || key === null) return undefined;
  const text = typeof key === 'string' ? key : textOf(key);
  if (isText(text) && text !== '') return text;
  hush(key);
  throw invalid(
    `perKey.by gave ${quote(key)} as the key of the job: it must be text of 1 to ${MAX_TEXT} characters, a number or a boolean, or undefined where no limit holds for the job`,
    call,
  );
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

function called(by: Exclude<KeyOf, string>, payload: unknown, call: string): unknown {
  try {
    return by((payload instanceof JsonText ? payload.value : payload) as never);
  } catch (error) {
    throw invalid('the function perKey.by threw an error', call, error);
  }
}

/** Of a number or a boolean; undefined: it has none. */
const textOf = (key: unknown): string | undefined =>
  Number.isFinite(key) || typeof key === 'boolean' || typeof key === 'bigint'
    ? String(key)
    : undefined;

const invalid = (problem: string, call: string, cause?: unknown): QueueError =>
  new QueueError('LIMIT_KEY_INVALID', `${call}: ${problem}. Nothing was stored.`, { cause });
