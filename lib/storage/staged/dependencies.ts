import type { Enqueued } from '../../job/enqueue-options.js';
import type { NewJob } from '../../job/new-job.js';
import { QueueError } from '../../job/queue.errors.js';
import { textArray } from '../connection/binary-array.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { isMadeHere } from '../../runtime/uuid7.js';
import { FIND_RETURNING, FIND_UNKNOWN_DEPENDENCY, STORE_DEPENDENTS } from './dependents.sql.js';

/** Who would wait for jobs. */
interface Asking {
  id: string;
  queue?: number;
  uniqueKey?: string | undefined;
  awaits: readonly string[];
  /** One of the same call. */
  own?: string | undefined;
}

/** A job that nobody should wait for, and why. */
interface InVain {
  id: string;
  why: 'unknown' | 'unkept' | 'unused' | 'workflow';
}

/**
 * Before jobs are stored: none of them would wait for a job of whose success nobody will hear. What is known already, by its id or its key, is not stored
 * again, and may have outlived the others. Nor for itself, where it comes back under an id that others wait for.
 * @throws QueueError `DEPENDENCY_UNKNOWN`, `INVALID_OPTION`
 */
export async function refuseInVain(run: Run, jobs: readonly NewJob[]): Promise<void> {
  const waiting = jobs.filter(({ dependsOn }) => dependsOn);
  if (waiting.length === 0) return;
  await refuseUnknown(run, jobs);
  const given = waiting.filter(({ givenId }) => givenId).map(({ id }) => id);
  if (given.length === 0) return;
  const [returning] = await run<{ id: string }>(FIND_RETURNING, [
    SHARD,
    given,
    given.map(isMadeHere),
  ]);
  if (returning) throw isAwaited(returning.id);
}

async function refuseUnknown(run: Run, jobs: readonly NewJob[]): Promise<void> {
  const ids = new Set(jobs.map(({ id }) => id));
  const asking = jobs.flatMap(({ id, lane, uniqueKey, dependsOn = [] }) => {
    const awaits = dependsOn.filter((other) => !ids.has(other));
    const own = dependsOn.find((other) => ids.has(other));
    return dependsOn.length > 0 ? [{ id, queue: lane.queueId, uniqueKey, awaits, own }] : [];
  });
  const unknown = await unknownAmong(run, asking);
  if (unknown) throw unknownDependency('enqueue: dependsOn', unknown);
}

/** Of the jobs that these would wait for one of which nobody will hear, unless it is known who asks. */
export async function unknownAmong(
  run: Run,
  asking: readonly Asking[],
): Promise<InVain | undefined> {
  if (asking.length === 0) return undefined;
  const [unknown] = await run<InVain>(FIND_UNKNOWN_DEPENDENCY, [
    SHARD,
    asking.map(({ id }) => id),
    asking.map(({ queue = null }) => queue),
    textArray(asking.map(({ uniqueKey }) => uniqueKey)),
    asking.map(({ awaits }) => JSON.stringify(awaits)),
    textArray(asking.map(({ own }) => own)),
  ]);
  return unknown;
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

const WHY: Readonly<Record<InVain['why'], string>> = {
  unknown:
    'is unknown: it was never enqueued, its transaction has not committed yet, it was purged or is not kept any more, or it lies in the spool of another process. Enqueue it before, also in the same transaction, or repeat the call when it is stored.',
  unkept:
    'is of a queue that forgets what has succeeded (archive: false). Let that queue keep it, or make both jobs steps of a workflow, which remembers.',
  unused: 'is a compensation that was not needed: its workflow has ended, so it never runs.',
  workflow: 'is a workflow or batch. Give the ids of its last steps, which workflows.find has.',
};

export function unknownDependency(where: string, { id, why }: InVain): QueueError {
  return new QueueError('DEPENDENCY_UNKNOWN', `${where}: job ${id} ${WHY[why]}`);
}

function isAwaited(id: string): QueueError {
  const message = `enqueue: dependsOn: job ${id} was there before, and others wait for it: it could wait for itself. Give it another id.`;
  return new QueueError('INVALID_OPTION', message);
}
