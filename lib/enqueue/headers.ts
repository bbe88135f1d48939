import { quote } from '../job/names.js';
import { checkObject, invalid } from './option-checks.js';

type Headers = Record<string, string>;

/** What travels along beneath the headers that the caller gave. */
export interface Travelling {
  /** Of the carriers: context that the job cannot do without. */
  carried?: Headers;
  /** Of the telemetry: left out where there is no room for it. */
  traced?: Headers;
}

const MAX_HEADERS_BYTES = 8 * 1_024;

/** A flat map of strings that PostgreSQL can hold. */
export function checkHeaders(headers: Headers): Headers {
  checkObject('headers', headers);
  if (!isPlain(headers))
    throw invalid('headers must be a plain object of strings: of any other, such as a Map, nothing would be stored');
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw invalid(`headers: ${quote(key)} must be a string, not ${quote(value)}`);
    if (`${key}${value}`.includes('\0') || !key.isWellFormed() || !value.isWellFormed())
      throw invalid(`headers: ${quote(key)} is not well-formed text`);
  }
  const bytes = bytesOf(headers);
  if (bytes > MAX_HEADERS_BYTES) throw invalid(`headers have ${bytes} bytes, more than ${MAX_HEADERS_BYTES}`);
  return headers;
}

/** Of any realm: its prototype is the last one, or there is none. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The caller's headers over what travels along. */
export function joinedHeaders(given: Headers | undefined, { carried, traced }: Travelling): Headers | undefined {
  const own = given === undefined ? undefined : checkHeaders(given);
  const needed = carried && own ? fitting({ ...carried, ...own }) : (own ?? carried);
  if (!traced) return needed;
  const all = { ...traced, ...needed };
  return bytesOf(all) > MAX_HEADERS_BYTES ? needed : all;
}

function fitting(headers: Headers): Headers {
  const bytes = bytesOf(headers);
  if (bytes <= MAX_HEADERS_BYTES) return headers;
  throw invalid(`headers and those of the carriers have ${bytes} bytes together, more than ${MAX_HEADERS_BYTES}`);
}

const bytesOf = (headers: Headers): number => Buffer.byteLength(JSON.stringify(headers));
