import type { INestApplicationContext } from '@nestjs/common';
import { SHARD } from '../storage/connection/shard.js';
import { partsOf, refuseOutsideTests, type OfInstance } from './application-parts.js';
import { refuseLiveWorkers } from './live-workers.js';
import { CLEAR, RESUME_ALL } from './sql/clear.sql.js';

/**
 * Deletes all jobs of the schema, live and ended, and resumes its queues: between two tests. Returns how many there were.
 * @throws QueueError `TEST_MODULE_MISSING`, `WORKERS_LIVE` (a worker of another process holds a lease), `MODULE_INVALID`.
 */
export async function clear(
  app: INestApplicationContext,
  options: OfInstance = {},
): Promise<number> {
  const parts = partsOf(app, options);
  refuseOutsideTests(parts, 'clear');
  await refuseLiveWorkers(parts, 'clear');
  const { callers } = parts.storage.database;
  await callers.run(RESUME_ALL, []);
  return (await callers.run<{ jobs: number }>(CLEAR, [SHARD]))[0]!.jobs;
}
