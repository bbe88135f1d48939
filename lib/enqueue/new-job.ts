import { types } from 'node:util';
import { MAX_DELAY_MS, storedBackoff, type StoredBackoff } from '../job/backoff.js';
import type { EnqueueItem, JobOptions } from '../job/enqueue-options.js';
import { checkLabels, NO_LABELS } from '../job/values/labels.js';
import { LAST_DATE } from '../job/job-result.js';
import { checkId, checkJobName, checkQueueName } from '../job/names.js';
import { payloadText, tooLarge } from '../job/values/payload.js';
import type { QueueError } from '../job/queue.errors.js';
import { LIMITS } from '../options/handler-rules.js';
import { hintFor } from '../runtime/hint.js';
import type { NewJob, StoredSchedule } from '../job/new-job.js';
import type { Held } from '../job/new-job.js';
import type { Lane } from '../job/lane.js';
import { checkedConflict } from './conflict-rules.js';
import { joinedHeaders, type Travelling } from './headers.js';
import { checkedHold, type QueueShape } from './held.js';
import { limitKeyOf } from '../options/limit-key.js';
import { checkNumber, checkObject, checkText, checkWhole, invalid } from './option-checks.js';
import { msOf, type Duration } from '../job/values/duration.js';

export { checkObject, checkText } from './option-checks.js';

/** A checked job whose lane may have to be registered first. */
export type CheckedJob = Omit<NewJob, 'lane'> & {
  queue: string;
  name: string;
  labels: readonly string[];
  lane: Lane | undefined;
};

/** What a job is checked against, and where its id comes from. */
export interface JobLimits extends QueueShape, Travelling {
  maxPayloadBytes: number;
  newId: () => string;
  /** The schedule that enqueues it. */
  schedule?: StoredSchedule;
  /** The step of a workflow that it is. */
  step?: string;
}

const OPTION_NAMES: Record<keyof EnqueueItem, true> = {
  payload: true,
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
  group: true,
  ordered: true,
  staged: true,
  commitWithinMs: true,
  dependsOn: true,
  headers: true,
  maxAttempts: true,
  backoff: true,
  timeoutMs: true,
  payloadBytes: true,
};

const OF_THE_CALL = ['manager', 'maxPending'];

/**
 * Checks what a caller gave, before it is written. Throws a QueueError that names the value.
 * All jobs have the same members in the same order, and none is copied: a large batch pays for each.
 */
export function checkedJob(
  queue: string,
  payload: unknown,
  options: JobOptions,
  limits: JobLimits,
): CheckedJob {
  checkNames(options);
  const { id, name = '', priority = 0, payloadBytes: bytes } = options;
  const text = payloadText(payload, limits.maxPayloadBytes);
  const held = { ...checkedHold(options, limits), ...keyed(payload, text, limits) };
  return {
    queue: checkQueueName(queue),
    name: checkJobName(name),
    labels: options.labels === undefined ? NO_LABELS : checkLabels(options.labels),
    lane: undefined,
    id: id === undefined ? limits.newId() : checkId(id),
    givenId: id !== undefined,
    payload: text,
    priority: checkWhole('priority', priority, -32_768, 32_767),
    at: checkedTime(options),
    delayMs: ifGiven(options.delayMs, checkDelay),
    uniqueKey: ifGiven(options.uniqueKey, checkKey),
    ...checkedConflict(options),
    fingerprint: ifGiven(options.fingerprint, checkFingerprint),
    payloadBytes: bytes === undefined ? undefined : checkedBytes(bytes, limits.maxPayloadBytes),
    ...held,
    options: storedOptions(options, held, limits),
  };
}

const checkAttempts = (attempts: number): number =>
  checkWhole('maxAttempts', attempts, ...LIMITS.maxAttempts);
/** @throws QueueError `INVALID_OPTION` for one that no job has. */
export function checkNames(options: JobOptions): void {
  checkObject('options', options);
  for (const key of Object.keys(options))
    if (!Object.hasOwn(OPTION_NAMES, key)) throw unknownOption(key);
}

const NO_KEY: Held = Object.freeze({});

function keyed(payload: unknown, stored: string, { by, limitKey }: QueueShape): Held {
  if (by === undefined && limitKey === undefined) return NO_KEY;
  const key = limitKey ?? limitKeyOf(by!, payload, stored);
  return key === undefined ? NO_KEY : { limitKey: key };
}

const checkDelay = (delayMs: Duration): number =>
  checkNumber('delayMs', msOf(delayMs), 0, 100 * MAX_DELAY_MS);
const checkKey = (key: string): string => checkText('uniqueKey', key);
const checkFingerprint = (fingerprint: string): string => checkText('fingerprint', fingerprint);

function checkedTime({ runAt, delayMs }: JobOptions): Date | undefined {
  if (runAt === undefined) return undefined;
  if (delayMs !== undefined)
    throw invalid('runAt and delayMs cannot be given together: one of them says when');
  if (!types.isDate(runAt) || Number.isNaN(runAt.getTime()))
    throw invalid('runAt is not a valid Date');
  if (runAt.getTime() > LAST_DATE) throw invalid('runAt lies after the year 9999');
  // A year before 1 is written "BC"; what is long past is due now either way.
  return new Date(Math.max(0, runAt.getTime()));
}

/** A copy, as the text of a payload is one: what its caller does with it afterwards is its own. */
function checkedBytes(bytes: Uint8Array, maxBytes: number): Buffer {
  if (!types.isUint8Array(bytes)) throw invalid('payloadBytes must be a Uint8Array or Buffer');
  if (bytes.byteLength > maxBytes) throw tooLarge(bytes.byteLength, maxBytes);
  return Buffer.from(bytes);
}

/** Only what was given is stored: the worker applies handler, queue and module settings. */
function storedOptions(
  given: JobOptions,
  { group, ordered, fair, limitKey, dependsOn }: Held,
  limits: JobLimits,
): string | undefined {
  const { maxAttempts, backoff, timeoutMs, workflowId } = given;
  const { schedule, step } = limits;
  const headers = joinedHeaders(given.headers, limits);
  const own = [headers, maxAttempts, backoff, timeoutMs, workflowId];
  const made = [group, limitKey, dependsOn, schedule, step];
  if (!own.some(isGiven) && !made.some(isGiven)) return undefined;
  return JSON.stringify({
    headers,
    maxAttempts: ifGiven(maxAttempts, checkAttempts),
    backoff: ifGiven(backoff, checkStorable),
    timeoutMs: ifGiven(timeoutMs, (value) =>
      checkWhole('timeoutMs', msOf(value), ...LIMITS.timeoutMs),
    ),
    workflowId: ifGiven(workflowId, (value) => checkText('workflowId', value)),
    ...{ group: group || undefined, ordered: ordered || undefined, fair, limitKey, dependsOn },
    schedule,
    step,
  });
}

const isGiven = (value: unknown): boolean => value !== undefined;

const ifGiven = <T, Checked>(
  value: T | undefined,
  check: (value: T) => Checked,
): Checked | undefined => (value === undefined ? undefined : check(value));

function checkStorable(backoff: StoredBackoff): StoredBackoff {
  if ((backoff as { type?: string } | null)?.type !== 'custom') return storedBackoff(backoff);
  throw invalid(
    'a custom() backoff cannot be stored with a job. Set it on the handler, the queue or the module',
  );
}

function unknownOption(key: string): QueueError {
  const known = [...Object.keys(OPTION_NAMES), ...OF_THE_CALL];
  const hint = OF_THE_CALL.includes(key) ? 'which is one of the whole call' : hintFor(key, known);
  return invalid(`unknown option "${key.slice(0, 60)}", ${hint}`);
}
