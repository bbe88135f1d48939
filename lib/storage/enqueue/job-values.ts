import {
  booleanArray,
  byteaArray,
  intArray,
  smallintArray,
  textArray,
  timestampArray,
  uuidArray,
} from '../connection/binary-array.js';
import type { NewJob } from '../../job/new-job.js';
import { SHARD } from '../connection/shard.js';
import type { Statement } from '../connection/statement.js';

/** What an insert is given beside its lanes; `made`: the values, where they were made beforehand. */
export interface Insertion {
  jobs: NewJob[];
  values: () => unknown[];
  made?: unknown[];
}

/** As `claimed-columns.sql.ts` would answer: a first run, created when it is due. */
export function claimedCells(
  { id, lane, priority, fingerprint, options, payload, payloadBytes }: NewJob,
  runAt: string,
): (string | null)[] {
  const facts = [id, String(lane.id), null, priority === 0 ? null : String(priority), runAt];
  const bytes = payloadBytes ? `\\x${payloadBytes.toString('hex')}` : null;
  return [
    ...facts,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    fingerprint ?? null,
    options ?? null,
    payload,
    bytes,
    null,
  ];
}

/** It has neither a fingerprint nor options nor bytes. */
const isBare = ({ fingerprint, options, payloadBytes }: NewJob): boolean =>
  fingerprint === undefined && options === undefined && payloadBytes === undefined;

/** Of a statement's two forms the job's, with its values and `more`. */
export function oneOf(
  whole: Statement,
  bare: Statement,
  job: NewJob,
  more: unknown[] = [],
): [Statement, unknown[]] {
  if (!isBare(job)) return [whole, [...oneValues(job), ...more]];
  const { id, lane, priority, payload } = job;
  return [bare, [SHARD, id, lane.id, lane.queueId, priority, payload, ...more]];
}

function oneValues({
  id,
  lane,
  priority,
  fingerprint,
  options,
  payload,
  payloadBytes,
}: NewJob): unknown[] {
  return [SHARD, id, lane.id, lane.queueId, priority, fingerprint, options, payload, payloadBytes];
}

export async function* insertionsOf(
  chunks: Iterable<NewJob[]> | AsyncIterable<NewJob[]>,
): AsyncGenerator<Insertion> {
  for await (const jobs of chunks) {
    const values = () => plainValues(jobs);
    yield { jobs, values, made: values() };
  }
}

/** Their numbers, each once. */
export const lanesOf = (jobs: NewJob[]): number[] => [...new Set(jobs.map((job) => job.lane.id))];

/** What is the same for all of them is given once. */
function plainValues(jobs: NewJob[]): unknown[] {
  const [first] = jobs as [NewJob];
  const isSameLane = jobs.every((job) => job.lane === first.lane);
  const isSamePriority = jobs.every((job) => job.priority === first.priority);
  return [
    ...[SHARD, first.lane.id, first.lane.queueId, first.priority],
    uuidArray(jobs.map((job) => job.id)),
    isSameLane ? null : intArray(jobs.map((job) => job.lane.id)),
    isSameLane ? null : intArray(jobs.map((job) => job.lane.queueId)),
    isSamePriority ? null : smallintArray(jobs.map((job) => job.priority)),
    textArray(jobs.map((job) => job.fingerprint)),
    textArray(jobs.map((job) => job.options)),
    textArray(jobs.map((job) => job.payload)),
    byteaArray(jobs.map((job) => job.payloadBytes)),
  ];
}

/** Which ids are their callers'. */
export const givenIds = (jobs: NewJob[]): Buffer | null =>
  booleanArray(jobs.map((job) => job.givenId));

export function anyValues(jobs: NewJob[]): unknown[] {
  return [
    SHARD,
    uuidArray(jobs.map((job) => job.id)),
    intArray(jobs.map((job) => job.lane.id)),
    intArray(jobs.map((job) => job.lane.queueId)),
    smallintArray(jobs.map((job) => job.priority)),
    timestampArray(jobs.map((job) => job.at)),
    jobs.map((job) => job.delayMs ?? 0),
    textArray(jobs.map((job) => job.uniqueKey)),
    textArray(jobs.map((job) => job.fingerprint)),
    textArray(jobs.map((job) => job.options)),
    textArray(jobs.map((job) => job.payload)),
    byteaArray(jobs.map((job) => job.payloadBytes)),
  ];
}
