import type { INestApplicationContext } from '@nestjs/common';
import { QueueError } from '../job/queue.errors.js';
import type { RunCounts } from '../worker/one-shot.js';
import { partsOf } from './application-parts.js';
import { HandWorker } from './hand-worker.js';
import { checkTimeout, type RunOptions } from './run-next.js';

/**
 * Runs everything that is due in the real tables, follow-up jobs among it, side by side as a worker does, and returns how the runs ended.
 * What lapsed or expired before is reaped and ended first.
 * @throws QueueError `RUN_TIMEOUT` when work is left after `timeoutMs`, `WORKER_DISABLED`, `INVALID_OPTION`, `MODULE_INVALID`.
 */
export async function drain(
  app: INestApplicationContext,
  options: RunOptions = {},
): Promise<RunCounts> {
  const timeoutMs = checkTimeout(options);
  const parts = partsOf(app, options);
  if (!parts.registry.isFilled) throw notStarted();
  if (parts.options.worker) await new HandWorker(parts).turnDuties();
  return parts.worker.runUntilEmpty({ timeoutMs });
}

/** It has no handlers yet: zeros would say that nothing is due. */
function notStarted(): QueueError {
  const message =
    'drain(app) found an application that has not started, so no handler is known yet. Await app.init() before it.';
  return new QueueError('MODULE_INVALID', message);
}
