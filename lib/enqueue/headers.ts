import type { ContextCarrier } from '../job/context-carrier.js';
import { failureOf } from '../job/failure.js';
import { hush, safely } from '../job/kinds.js';
import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { EnqueueCall, Telemetry } from '../observability/telemetry.js';
import { isPlain } from './captured-item.js';
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
function checkHeaders(headers: Headers): Headers {
  checkObject('headers', headers);
  if (!isPlain(headers))
    throw invalid(
      'headers must be a plain object of strings: of any other, such as a Map, nothing would be stored',
    );
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value !== 'string')
      throw invalid(`headers: ${quote(key)} must be a string, not ${quote(value)}`);
    if (`${key}${value}`.includes('\0') || !key.isWellFormed() || !value.isWellFormed())
      throw invalid(`headers: ${quote(key)} is not well-formed text`);
  }
  const bytes = bytesOf(headers);
  if (bytes > MAX_HEADERS_BYTES)
    throw invalid(`headers have ${bytes} bytes, more than ${MAX_HEADERS_BYTES}`);
  return headers;
}

/** The caller's headers over what travels along. */
export function joinedHeaders(
  given: Headers | undefined,
  { carried, traced }: Travelling,
): Headers | undefined {
  const own = given === undefined ? undefined : checkHeaders(given);
  const needed = carried && own ? fitting({ ...carried, ...own }) : (own ?? carried);
  if (!traced) return needed;
  const all = { ...traced, ...needed };
  return bytesOf(all) > MAX_HEADERS_BYTES ? needed : all;
}

function fitting(headers: Headers): Headers {
  const bytes = bytesOf(headers);
  if (bytes <= MAX_HEADERS_BYTES) return headers;
  throw invalid(
    `headers and those of the carriers have ${bytes} bytes together, more than ${MAX_HEADERS_BYTES}`,
  );
}

const bytesOf = (headers: Headers): number => Buffer.byteLength(JSON.stringify(headers));

/** What the carriers say of the caller's context; of two that name one header the later wins. undefined: nothing. */
export function captured(carriers: readonly ContextCarrier[] = []): Headers | undefined {
  let all: Headers | undefined;
  for (const carrier of carriers) {
    const headers = capturedBy(carrier, all);
    if (headers) all = headers;
  }
  return all;
}

/** Without the context that it belongs to a job might run for the wrong tenant: the caller gets an error, and nothing is stored. */
function capturedBy(carrier: ContextCarrier, others?: Headers): Headers | undefined {
  try {
    const headers = carrier.capture();
    hush(headers);
    return headers === undefined
      ? undefined
      : checkHeaders({ ...others, ...checkHeaders(headers) });
  } catch (error) {
    const name = carrier.constructor.name;
    const message = `The context of an enqueue could not be captured by the carrier ${name}, so nothing was stored: ${failureOf(error).message} Let capture() answer a few short strings, or undefined.`;
    throw new QueueError('CONTEXT_INVALID', message, { cause: error });
  }
}

/** Headers of the telemetry are never worth a job: what cannot be stored is left out. */
function usable(headers: Headers | undefined): Headers | undefined {
  hush(headers);
  return headers && safely(() => checkHeaders(headers));
}

/** What is stored within the telemetry of a call: `capture` keeps it as it is, where that goes on later. */
interface Storing<Answer> {
  store: (headers?: Headers) => Promise<Answer>;
  capture: () => void;
}

/** Stores within what telemetry makes of the call. It stores once, whatever telemetry does. */
export async function traced<Answer>(
  telemetry: Telemetry,
  call: EnqueueCall,
  { store, capture }: Storing<Answer>,
): Promise<Answer> {
  let stored: Promise<Answer> | undefined;
  try {
    const asked = telemetry.enqueue!(call, (headers) => (stored ??= store(usable(headers))));
    if (!stored) capture();
    await asked;
  } catch {
    // Its own error is nobody's; an error of the storing is reported below.
  }
  // It may go on later, and then finds that this is stored.
  return (stored ??= store());
}
