import type { INestApplicationContext } from '@nestjs/common';
import { QueueError } from '../job/queue.errors.js';
import type { RunCounts } from '../worker/one-shot.js';
import { partsOf, type ApplicationParts } from './application-parts.js';
import { HandWorker } from './hand-worker.js';
import { checkTimeout, type RunOptions } from './run-next.js';

const NONE: RunCounts = { succeeded: 0, retried: 0, rescheduled: 0, failed: 0, cancelled: 0 };

/**
 * Runs everything that is due in the real tables, follow-up jobs among it, side by side as a worker does, and returns how the runs ended.
 * What lapsed or expired before is reaped and ended first. A tick that waits for the job of an earlier one (`overlap: 'queue'`) follows it.
 * @throws QueueError `RUN_TIMEOUT` when work is left after `timeoutMs`, `WORKER_DISABLED`, `INVALID_OPTION`, `MODULE_INVALID`.
 */
export async function drain(
  app: INestApplicationContext,
  options: RunOptions = {},
): Promise<RunCounts> {
  const timeoutMs = checkTimeout(options);
  const parts = partsOf(app, options);
  if (!parts.registry.isFilled) throw notStarted();
  const until = performance.now() + timeoutMs;
  const all = { ...NONE };
  for (;;) {
    const waited = await hasWaitingTicks(parts);
    const ran = await runAll(parts, Math.max(1, Math.round(until - performance.now())));
    for (const outcome of Object.keys(all) as (keyof RunCounts)[]) all[outcome] += ran[outcome];
    const isIdle = Object.values(ran).every((jobs) => jobs === 0);
    // A worker may have taken the last of them on its way out.
    if (isIdle || !(waited || (await hasWaitingTicks(parts)))) return all;
  }
}

async function runAll(parts: ApplicationParts, timeoutMs: number): Promise<RunCounts> {
  if (parts.options.worker) await new HandWorker(parts).turnDuties();
  return parts.worker.runUntilEmpty({ timeoutMs });
}

const hasWaitingTicks = async ({ storage }: ApplicationParts): Promise<boolean> =>
  (await storage.schedules.findDue()).waits;

/** It has no handlers yet: zeros would say that nothing is due. */
function notStarted(): QueueError {
  const message =
    'drain(app) found an application that has not started, so no handler is known yet. Await app.init() before it.';
  return new QueueError('MODULE_INVALID', message);
}
