import type { Enqueued } from '../../job/enqueue-options.js';
import type { NewJob } from '../../job/new-job.js';
import { QueueError } from '../../job/queue.errors.js';
import { textArray } from '../connection/binary-array.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { FIND_UNKNOWN_DEPENDENCY, STORE_DEPENDENTS } from './dependents.sql.js';

/**
 * Before jobs are stored: none of them would wait for a job that there never was. What is known already, by its id or its key, is not stored
 * again, and may have outlived the others.
 * @throws QueueError `DEPENDENCY_UNKNOWN`
 */
export async function refuseUnknown(run: Run, jobs: readonly NewJob[]): Promise<void> {
  if (!jobs.some(({ dependsOn }) => dependsOn)) return;
  const own = new Set(jobs.map(({ id }) => id));
  const asking = jobs.flatMap((job) => {
    const awaits = job.dependsOn?.filter((id) => !own.has(id)) ?? [];
    return awaits.length > 0 ? [{ job, awaits: JSON.stringify(awaits) }] : [];
  });
  if (asking.length === 0) return;
  const [unknown] = await run<{ id: string }>(FIND_UNKNOWN_DEPENDENCY, [
    SHARD,
    asking.map(({ job }) => job.id),
    asking.map(({ job }) => job.lane.queueId),
    textArray(asking.map(({ job }) => job.uniqueKey)),
    asking.map(({ awaits }) => awaits),
  ]);
  if (unknown) throw unknownDependency(unknown.id);
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

function unknownDependency(id: string): QueueError {
  const message = `enqueue: dependsOn: job ${id} is unknown: it was never enqueued, its transaction has not committed yet, or its end is not kept any more. Enqueue it first, in the same transaction, or in the same enqueueMany.`;
  return new QueueError('DEPENDENCY_UNKNOWN', message);
}
