import { isDeepStrictEqual } from 'node:util';
import { isTemplate, type JobTarget } from '../job/job-template.js';
import type { FoundJob } from '../job/job.js';
import { QueueError } from '../job/queue.errors.js';
import { closestWord } from '../runtime/closest-word.js';
import { inMs, type Duration } from '../job/values/duration.js';

/** `expect.any(String)` and the like, of any test runner. */
interface Matcher {
  asymmetricMatch(actual: unknown): boolean;
}

/** A matcher may stand anywhere. */
type WholeOf<T> =
  Matcher | (T extends Date ? T : T extends object ? { [Key in keyof T]: WholeOf<T[Key]> } : T);

/** The named properties alone, at every level; arrays as a whole. */
export type PartOf<T> =
  | Matcher
  | (T extends readonly unknown[]
      ? WholeOf<T>
      : T extends Date
        ? T
        : T extends object
          ? { [Key in keyof T]?: PartOf<T[Key]> }
          : T);

const FACTS = [
  'id',
  'name',
  'state',
  'priority',
  'runAt',
  'uniqueKey',
  'fingerprint',
  'group',
  'workflowId',
  'labels',
  'headers',
  'maxAttempts',
] as const satisfies readonly (keyof FoundJob)[];

type ExpectedFacts = { [Fact in (typeof FACTS)[number]]?: PartOf<FoundJob[Fact]> };

/**
 * What a test says of a job. Only what is named is compared, and of objects only their named properties. A value may be an asymmetric matcher,
 * such as `expect.any(String)`.
 */
export interface ExpectedJob<Payload = unknown> extends ExpectedFacts {
  /** As it was given to `enqueue`; dates are compared as the text that is stored. */
  payload?: PartOf<Payload>;
  /** How long after its enqueue it is due, while it waits for its time. */
  delayMs?: Duration | Matcher;
}

const KNOWN: readonly string[] = [...FACTS, 'payload', 'delayMs'];

/** A mistyped name would make a test that cannot pass, or, with `not`, one that cannot fail. */
export function checkExpected(expected: ExpectedJob): ExpectedJob {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected))
    throw new QueueError(
      'INVALID_OPTION',
      'What is expected of a job must be an object, such as { payload: { orderId: 5 } }.',
    );
  const unknown = Object.keys(expected).find((key) => !KNOWN.includes(key));
  if (unknown === undefined) return inMs(expected, 1);
  const near = closestWord(unknown, KNOWN);
  const hint = near
    ? `Did you mean "${near}"?`
    : `Known: ${KNOWN.join(', ')}. What the job carries goes into "payload".`;
  throw new QueueError(
    'INVALID_OPTION',
    `What is expected of a job has no "${unknown.slice(0, 60)}". ${hint}`,
  );
}

/** Is it a job of this queue, or of this template? */
export function isOf(
  target: JobTarget,
  { queue, name }: Pick<FoundJob, 'queue' | 'name'>,
): boolean {
  return isTemplate(target) ? queue === target.queue && name === target.name : queue === target;
}

/** Cancelled jobs count only where the test asks for their state. */
export function fits(job: FoundJob, expected: ExpectedJob): boolean {
  if (job.state === 'cancelled' && expected.state === undefined) return false;
  const delayMs = job.runAt.getTime() - job.createdAt.getTime();
  const labels = isSortable(expected.labels) && { labels: [...expected.labels].sort() };
  return includes({ ...job, delayMs }, { ...expected, ...labels });
}

/** Has `actual` all that `expected` names? */
export function includes(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  const [is, wanted] = [plain(actual), plain(expected)];
  if (!isRecord(wanted)) return equals(is, wanted);
  return isRecord(is) && Object.entries(wanted).every(([key, value]) => includes(is[key], value));
}

/** The same as a whole, but for what matchers in it stand for. */
function equals(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  const [is, wanted] = [plain(actual), plain(expected)];
  if (typeof wanted !== 'object' || wanted === null || typeof is !== 'object' || is === null)
    return isDeepStrictEqual(is, wanted);
  const keys = Object.keys(wanted);
  const isAlike =
    Array.isArray(is) === Array.isArray(wanted) && Object.keys(is).length === keys.length;
  return (
    isAlike && keys.every((key) => key in is && equals(is[key as never], wanted[key as never]))
  );
}

/** Labels are stored in order; with a matcher among them, they are compared as they stand. */
const isSortable = (labels: unknown): labels is string[] =>
  Array.isArray(labels) && labels.every((label) => typeof label === 'string');

/** As JSON would store it. */
function plain(value: unknown): unknown {
  const toJSON = (value as { toJSON?: unknown } | null | undefined)?.toJSON;
  if (typeof toJSON === 'function') return toJSON.call(value) as unknown;
  return Array.isArray(value) ? value.map(plain) : value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isAsymmetric = (value: unknown): value is Matcher =>
  typeof (value as Partial<Matcher> | null | undefined)?.asymmetricMatch === 'function';
