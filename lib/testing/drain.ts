import type { INestApplicationContext } from '@nestjs/common';
import { getQueueWorkerToken } from '../tokens.js';
import type { RunCounts } from '../worker/one-shot.js';
import type { QueueWorker } from '../worker/queue-worker.js';

export interface DrainOptions {
  /** Which instance of the module, default the unnamed one. */
  instance?: string;
  /** Default 30,000. */
  timeoutMs?: number;
}

/**
 * Runs everything that is due in the real tables, follow-up jobs among it, and answers how the runs ended. Set the module under test up
 * with `worker: { autoStart: false }`, so that nothing runs before the test says so.
 */
export function drain(app: INestApplicationContext, { instance, timeoutMs }: DrainOptions = {}): Promise<RunCounts> {
  const worker = app.get<QueueWorker>(getQueueWorkerToken(instance), { strict: false });
  return worker.runUntilEmpty({ timeoutMs });
}
