import type { Enqueued } from '../../job/enqueue-options.js';
import type { NewJob } from '../../job/new-job.js';
import { QueueError } from '../../job/queue.errors.js';
import { textArray } from '../connection/binary-array.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { isMadeHere } from '../../runtime/uuid7.js';
import { FIND_CIRCLE, FIND_UNKNOWN_DEPENDENCY, STORE_DEPENDENTS } from './dependents.sql.js';

/** Who would wait for jobs. */
interface Asking {
  id: string;
  queue?: number;
  uniqueKey?: string | undefined;
  awaits: readonly string[];
}

/**
 * Before jobs are stored: none of them would wait for a job that there never was. What is known already, by its id or its key, is not stored
 * again, and may have outlived the others. Nor for itself, where it comes back under an id that others wait for.
 * @throws QueueError `DEPENDENCY_UNKNOWN`, `INVALID_OPTION`
 */
export async function refuseInVain(run: Run, jobs: readonly NewJob[]): Promise<void> {
  const waiting = jobs.filter(({ dependsOn }) => dependsOn);
  if (waiting.length === 0) return;
  await refuseUnknown(run, jobs);
  if (!waiting.some(({ givenId }) => givenId)) return;
  const [circle] = await run<{ id: string }>(FIND_CIRCLE, [
    SHARD,
    waiting.map(({ id }) => id),
    waiting.map(({ dependsOn }) => JSON.stringify(dependsOn)),
    waiting.map(({ id, givenId }) => givenId && isMadeHere(id)),
  ]);
  if (circle) throw waitsForItself(circle.id);
}

async function refuseUnknown(run: Run, jobs: readonly NewJob[]): Promise<void> {
  const own = new Set(jobs.map(({ id }) => id));
  const asking = jobs.flatMap(({ id, lane, uniqueKey, dependsOn = [] }) => {
    const awaits = dependsOn.filter((other) => !own.has(other));
    return awaits.length > 0 ? [{ id, queue: lane.queueId, uniqueKey, awaits }] : [];
  });
  const unknown = await unknownAmong(run, asking);
  if (unknown !== undefined) throw unknownDependency('enqueue: dependsOn', unknown);
}

/** Of the jobs that these would wait for one of which nothing is known, unless it is known who asks. */
export async function unknownAmong(
  run: Run,
  asking: readonly Asking[],
): Promise<string | undefined> {
  if (asking.length === 0) return undefined;
  const [unknown] = await run<{ id: string }>(FIND_UNKNOWN_DEPENDENCY, [
    SHARD,
    asking.map(({ id }) => id),
    asking.map(({ queue = null }) => queue),
    textArray(asking.map(({ uniqueKey }) => uniqueKey)),
    asking.map(({ awaits }) => JSON.stringify(awaits)),
  ]);
  return unknown?.id;
}

/** In the transaction in which the jobs were stored. */
export async function storeDependents(
  run: Run,
  jobs: readonly NewJob[],
  answers: readonly Enqueued[],
): Promise<void> {
  const stored = jobs.filter((job, index) => job.dependsOn && answers[index]!.created);
  if (stored.length === 0) return;
  // An item of the call that was known already stands for the job that has its key.
  const ids = new Map(jobs.map(({ id }, index) => [id, answers[index]!.id]));
  const awaits = stored.map(({ dependsOn }) =>
    JSON.stringify([...new Set(dependsOn!.map((id) => ids.get(id) ?? id))]),
  );
  await run(STORE_DEPENDENTS, [SHARD, stored.map(({ id }) => id), awaits]);
}

export function unknownDependency(where: string, id: string): QueueError {
  const message = `${where}: job ${id} is unknown: it was never enqueued, its transaction has not committed yet, its end is not kept any more, or it lies in the spool of another process. Enqueue it before, also in the same transaction, or repeat the call when it is stored.`;
  return new QueueError('DEPENDENCY_UNKNOWN', message);
}

function waitsForItself(id: string): QueueError {
  const message = `enqueue: dependsOn: job ${id} would wait for itself: what it depends on waits for the job of this id, which was there before. Give it another id.`;
  return new QueueError('INVALID_OPTION', message);
}
