import { types } from 'node:util';
import { cleanText, failureOf } from '../failure.js';
import { hushWithin, isError, isThenable, safely } from '../kinds.js';
import { QueueError } from '../queue.errors.js';
import { JsonText } from './json-text.js';

/** jsonb has no U+0000 and no lone surrogates; JSON.stringify writes both as escapes, which are not themselves escaped. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/**
 * The JSON text that is stored for a payload; `undefined` is stored as null.
 * @throws QueueError `INVALID_PAYLOAD` for what JSON or jsonb cannot hold, `PAYLOAD_TOO_LARGE` beyond `maxBytes`.
 */
export function payloadText(payload: unknown, maxBytes: number): string {
  const text = stringify(payload);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw tooLarge(bytes, maxBytes);
  if (text.includes('\\u') && UNSTORABLE.test(text)) {
    throw new QueueError(
      'INVALID_PAYLOAD',
      'The payload has a text with U+0000 or half a surrogate pair, which PostgreSQL cannot store as JSON. Remove it, or use payloadBytes.',
    );
  }
  return text;
}

export function tooLarge(bytes: number, maxBytes: number): QueueError {
  return new QueueError(
    'PAYLOAD_TOO_LARGE',
    `The payload has ${bytes} bytes, more than maxPayloadBytes (${maxBytes}). Store it elsewhere and enqueue a reference, or raise the limit.`,
  );
}

function stringify(payload: unknown): string {
  try {
    const text = payload instanceof JsonText ? payload.text() : JSON.stringify(payload);
    refuseLosses(payload);
    return text ?? 'null';
  } catch (error) {
    if (error instanceof QueueError) throw error;
    // It knows where: JSON.stringify says of a BigInt only that there is one.
    const found = safely(() => lossIn(payload));
    if (found) throw lost(found);
    throw new QueueError(
      'INVALID_PAYLOAD',
      `The payload cannot be written as JSON: ${cleanText(failureOf(error).message, 300)}`,
      { cause: error },
    );
  }
}

/** What JSON.stringify drops without a word must not be lost silently: functions, NaN, invalid dates, an Error, a Map and the like. */
function refuseLosses(payload: unknown): void {
  const found = lossIn(payload);
  if (found) throw lost(found);
}

function lost({ path, loss }: Loss): QueueError {
  const hint = loss === BINARY ? ' (give it as payloadBytes)' : '';
  return new QueueError(
    'INVALID_PAYLOAD',
    `payload${path} is ${loss}${hint}, which JSON cannot hold.`,
  );
}

/** The first of what JSON would lose in a value. What fails later in one that is not kept must not end the process. */
export function lossIn(value: unknown): Loss | undefined {
  const found = findLoss(value);
  if (found) hushWithin(value);
  return found;
}

const BINARY = 'binary data';

interface Loss {
  path: string;
  loss: string;
}

/** The path is put together on the way back from a loss: where there is none, nothing is made. */
function findLoss(value: unknown): Loss | undefined {
  if (
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    value === undefined ||
    value === null
  )
    return undefined;
  const loss = lossOf(value);
  if (loss !== undefined) return { path: '', loss };
  if (typeof value !== 'object') return undefined;
  return typeof (value as Partial<WithJson>).toJSON === 'function'
    ? findLossInJson(value as WithJson)
    : findLossWithin(value);
}

interface WithJson {
  toJSON: (key: string) => unknown;
}

/** What an object says of itself in JSON is not asked once more for its `toJSON`, as JSON.stringify does it. */
function findLossInJson(value: WithJson): Loss | undefined {
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? { path: '', loss: 'an invalid Date' } : undefined;
  const json = value.toJSON('');
  if (typeof json !== 'object' || json === null) return findLoss(json);
  const loss = lossOf(json);
  return loss === undefined ? findLossWithin(json) : { path: '', loss };
}

function findLossWithin(value: object): Loss | undefined {
  return Array.isArray(value)
    ? findLossInArray(value)
    : findLossInObject(value as Record<string, unknown>);
}

function findLossInArray(values: unknown[]): Loss | undefined {
  for (let index = 0; index < values.length; index++) {
    const found = findLoss(values[index]);
    if (found) return { ...found, path: `[${index}]${found.path}` };
  }
  return undefined;
}

function findLossInObject(object: Record<string, unknown>): Loss | undefined {
  for (const key of Object.keys(object)) {
    const found = findLoss(object[key]);
    if (found) return { ...found, path: `.${key.slice(0, 60)}${found.path}` };
  }
  return undefined;
}

function lossOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (Array.isArray(value)) return undefined;
  const kind = Object.getPrototypeOf(value) as object | null;
  return kind === Object.prototype || kind === null
    ? undefined
    : lossOfInstance(value as object, kind);
}

function lossOfInstance(value: object, kind: object): string | undefined {
  if (typeof value === 'bigint') return 'toJSON' in kind ? undefined : 'a BigInt (give a text)';
  if (isThenable(value)) return 'a Promise (await it first)';
  if (Buffer.isBuffer(value)) return BINARY;
  return 'toJSON' in value ? undefined : lossOfState(value, kind);
}

/** What JSON writes `{}` of, or worse, unless it has a toJSON. */
const OUT_OF_SIGHT: [(value: object) => boolean, string][] = [
  [(value) => ArrayBuffer.isView(value), BINARY],
  [types.isAnyArrayBuffer, BINARY],
  [types.isMap, 'a Map (give its entries)'],
  [types.isSet, 'a Set (give its values)'],
  [isError, 'an Error (give its message)'],
  [types.isRegExp, 'a RegExp (give its source)'],
];

/** What keeps its state out of sight: URLSearchParams and the like name themselves. That a class has private fields is not to be seen. */
function lossOfState(value: object, kind: object): string | undefined {
  const known = OUT_OF_SIGHT.find(([is]) => is(value));
  if (known) return known[1];
  const isOpen = Object.keys(value).length > 0 || types.isBoxedPrimitive(value);
  if (isOpen || !(Symbol.toStringTag in value)) return undefined;
  return `an instance of ${cleanText(kind.constructor?.name ?? 'a class', 60)} (it has no toJSON)`;
}
