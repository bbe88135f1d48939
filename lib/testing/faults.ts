import type { INestApplicationContext } from '@nestjs/common';
import type { JobTarget } from '../job/job-template.js';
import { checkId } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { SHARD } from '../storage/connection/shard.js';
import type { Storage } from '../storage/storage.js';
import {
  partsOf,
  refuseOutsideTests,
  type ApplicationParts,
  type OfInstance,
} from './application-parts.js';
import { HandWorker } from './hand-worker.js';
import { onHandWorker, type RunOptions } from './run-next.js';
import type { RanJob } from './run-watch.js';
import { LOSE_LEASE } from './sql/lose-lease.sql.js';

/**
 * Runs one due job as `runNext` does, and dies before the database hears how the run ended: the handler's effects stay, but for those of
 * a transaction that holds the completion, which rolls back. The job is given back as after a crash: the next run is its second start.
 * @throws QueueError as `runNext`, and `TEST_MODULE_MISSING`.
 */
export async function crashBeforeSettle(
  app: INestApplicationContext,
  target?: JobTarget,
  options: RunOptions = {},
): Promise<RanJob> {
  const parts = partsOf(app, options);
  refuseOutsideTests(parts, 'crashBeforeSettle');
  const ran = await onHandWorker(dying(parts), target, options, (worker, timeoutMs) =>
    worker.crash(target, timeoutMs),
  );
  await new HandWorker(parts).turnDuties();
  return ran;
}

/**
 * Takes the lease away under which a job runs, as after a long silence of its worker: its signal aborts with `LEASE_LOST`, its answer will
 * change nothing, and the job may run again at once. Call it from within the handler, or while a run is under way.
 * @throws QueueError `JOB_NOT_RUNNING`, `TEST_MODULE_MISSING`, `INVALID_OPTION` for an id that is no UUID, `MODULE_INVALID`.
 */
export async function loseLease(
  app: INestApplicationContext,
  jobId: string,
  options: OfInstance = {},
): Promise<void> {
  const id = checkId(jobId);
  const parts = partsOf(app, options);
  refuseOutsideTests(parts, 'loseLease');
  const lost = await parts.storage.database.callers.run(LOSE_LEASE, [SHARD, id]);
  if (lost.length === 0)
    throw new QueueError(
      'JOB_NOT_RUNNING',
      `Job ${id} does not run, so it has no lease to lose. Call loseLease while its handler is at work.`,
    );
  await new HandWorker(parts).turnDuties();
  // Whoever held it learns of it now, not with its next heartbeat; and who may run the job again, not with its next look.
  parts.storage.signals.sendHere({ lanes: [], cancel: true, later: true });
}

/** A completion inside the handler's transaction is where such a process dies at the latest: what it has written rolls back. */
function dying(parts: ApplicationParts): ApplicationParts {
  const died = () =>
    Promise.reject(new QueueError('SHUTDOWN', 'The worker died before its transaction committed.'));
  const complete = { complete: { value: died } };
  const settlements = Object.create(parts.storage.settlements, complete) as object;
  const storage = Object.create(parts.storage, { settlements: { value: settlements } }) as Storage;
  return { ...parts, storage };
}
