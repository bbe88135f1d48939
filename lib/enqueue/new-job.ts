import { checkBackoff, MAX_DELAY_MS, type StoredBackoff } from '../job/backoff.js';
import type { JobOptions } from '../job/enqueue-options.js';
import { checkLabels, NO_LABELS } from '../job/labels.js';
import { LAST_DATE } from '../job/job-result.js';
import { checkId, checkJobName, checkQueueName, quote } from '../job/names.js';
import { payloadText, tooLarge } from '../job/payload.js';
import { QueueError } from '../job/queue.errors.js';
import { closestWord } from '../runtime/closest-word.js';
import type { NewJob } from '../storage/enqueue.repository.js';
import { checkedConflict } from './conflict-rules.js';

const MAX_TEXT = 512;
const MAX_HEADERS_BYTES = 8 * 1_024;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1_000;

/** A checked job that has no lane yet. */
export type CheckedJob = Omit<NewJob, 'lane'> & { queue: string; name: string; labels: readonly string[] };

const OPTION_NAMES: Record<keyof JobOptions, true> = {
  id: true,
  name: true,
  runAt: true,
  delayMs: true,
  priority: true,
  uniqueKey: true,
  onConflict: true,
  periodMs: true,
  fingerprint: true,
  labels: true,
  workflowId: true,
  headers: true,
  maxAttempts: true,
  backoff: true,
  timeoutMs: true,
  payloadBytes: true,
};

/** Checks what a caller gave, before anything is written. Throws a QueueError that names the value. */
export function checkedJob(
  queue: string,
  payload: unknown,
  options: JobOptions,
  limits: { maxPayloadBytes: number; newId: () => string },
): CheckedJob {
  checkObject('options', options);
  for (const key of Object.keys(options)) if (!Object.hasOwn(OPTION_NAMES, key)) throw unknownOption(key);
  return {
    queue: checkQueueName(queue),
    name: checkJobName(options.name ?? ''),
    labels: options.labels === undefined ? NO_LABELS : checkLabels(options.labels),
    id: options.id === undefined ? limits.newId() : checkId(options.id),
    givenId: options.id !== undefined,
    payload: payloadText(payload, limits.maxPayloadBytes),
    priority: checkWhole('priority', options.priority ?? 0, -32_768, 32_767),
    ...checkedTime(options),
    ...checkedTexts(options),
    ...checkedConflict(options),
    ...checkedBytes(options.payloadBytes, limits.maxPayloadBytes),
    options: storedOptions(options),
  };
}

function checkedTime({ runAt, delayMs }: JobOptions): { at?: Date; delayMs?: number } {
  if (runAt !== undefined && delayMs !== undefined)
    throw invalid('runAt and delayMs cannot be given together: one of them says when');
  if (delayMs !== undefined) return { delayMs: checkNumber('delayMs', delayMs, 0, 100 * MAX_DELAY_MS) };
  if (runAt === undefined) return {};
  if (!(runAt instanceof Date) || Number.isNaN(runAt.getTime())) throw invalid('runAt is not a valid Date');
  if (runAt.getTime() > LAST_DATE) throw invalid('runAt lies after the year 9999');
  // A year before 1 is written "BC"; what is long past is due now either way.
  return { at: new Date(Math.max(0, runAt.getTime())) };
}

function checkedTexts({ uniqueKey, fingerprint }: JobOptions): { uniqueKey?: string; fingerprint?: string } {
  return {
    ...(uniqueKey === undefined ? {} : { uniqueKey: checkText('uniqueKey', uniqueKey) }),
    ...(fingerprint === undefined ? {} : { fingerprint: checkText('fingerprint', fingerprint) }),
  };
}

/** Also asked by cancel. PostgreSQL's text holds no U+0000, and UTF-8 no lone surrogate. */
export function checkText(option: string, text: unknown): string {
  const fits =
    typeof text === 'string' && text.length > 0 && text.length <= MAX_TEXT && !text.includes('\0') && text.isWellFormed();
  if (!fits) throw invalid(`${option} must be 1 to ${MAX_TEXT} characters of well-formed text, not ${quote(text)}`);
  return text;
}

function checkedBytes(bytes: Uint8Array | undefined, maxBytes: number): { payloadBytes?: Buffer } {
  if (bytes === undefined) return {};
  if (!(bytes instanceof Uint8Array)) throw invalid('payloadBytes must be a Uint8Array or Buffer');
  if (bytes.byteLength > maxBytes) throw tooLarge(bytes.byteLength, maxBytes);
  return { payloadBytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** Only what was given is stored: the worker applies handler, queue and module settings. */
function storedOptions({ headers, maxAttempts, backoff, timeoutMs, workflowId }: JobOptions): string | undefined {
  if ([headers, maxAttempts, backoff, timeoutMs, workflowId].every((value) => value === undefined)) return undefined;
  return JSON.stringify({
    headers: ifGiven(headers, checkHeaders),
    maxAttempts: ifGiven(maxAttempts, (value) => checkWhole('maxAttempts', value, 1, 1_000)),
    backoff: ifGiven(backoff, checkStorable),
    timeoutMs: ifGiven(timeoutMs, (value) => checkWhole('timeoutMs', value, 1, MAX_TIMEOUT_MS)),
    workflowId: ifGiven(workflowId, (value) => checkText('workflowId', value)),
  });
}

const ifGiven = <T>(value: T | undefined, check: (value: T) => T): T | undefined =>
  value === undefined ? undefined : check(value);

function checkStorable(backoff: StoredBackoff): StoredBackoff {
  if ((backoff as { type?: string } | null)?.type !== 'custom') return checkBackoff(backoff) as StoredBackoff;
  throw invalid('a custom() backoff cannot be stored with a job. Set it on the handler, the queue or the module');
}

function checkHeaders(headers: Record<string, string>): Record<string, string> {
  checkObject('headers', headers);
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw invalid(`headers: ${quote(key)} must be a string, not ${quote(value)}`);
    if (`${key}${value}`.includes('\0') || !key.isWellFormed() || !value.isWellFormed())
      throw invalid(`headers: ${quote(key)} is not well-formed text`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(headers));
  if (bytes > MAX_HEADERS_BYTES) throw invalid(`headers have ${bytes} bytes, more than ${MAX_HEADERS_BYTES}`);
  return headers;
}

function checkWhole(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value)) return checkNumber(option, value, min, max);
  throw invalid(`${option} must be a whole number from ${min} to ${max}, not ${String(value)}`);
}

function checkNumber(option: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw invalid(`${option} must be a number from ${min} to ${max}, not ${String(value)}`);
}

export function checkObject(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} must be an object, not ${quote(value)}`);
}

function unknownOption(key: string): QueueError {
  const closest = closestWord(key, Object.keys(OPTION_NAMES));
  return invalid(`unknown option "${key.slice(0, 60)}"${closest ? `, did you mean "${closest}"?` : ''}`);
}

function invalid(problem: string): QueueError {
  return new QueueError('INVALID_OPTION', `enqueue: ${problem}${problem.endsWith('?') ? '' : '.'}`);
}
