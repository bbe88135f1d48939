import type { INestApplicationContext } from '@nestjs/common';
import { QueueError } from '../job/queue.errors.js';
import { SHARD } from '../storage/connection/shard.js';
import { partsOf, refuseOutsideTests, type OfInstance } from './application-parts.js';
import { HandWorker } from './hand-worker.js';
import { refuseLiveWorkers } from './live-workers.js';
import { ADVANCE_TIME } from './sql/advance-time.sql.js';
import { DAY_MS, msOf, type Duration } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';

const YEARS_MS = 10 * 366 * DAY_MS;

/**
 * As if this `time` (milliseconds, or a text such as `'2 days'`) had passed: all times stored in the queue's tables move back, and then the duties turn once (what has lapsed
 * is reaped, what has expired ends, what was kept long enough goes). Jobs that are due by then wait for the test to run them.
 * Retention goes by whole partitions: archived jobs go up to a day after their time, dead ones up to a week.
 * Clocks stay: `Date.now()`, timers, running handlers, and the application's own tables.
 * @throws QueueError `INVALID_OPTION` (1 to ten years), `TEST_MODULE_MISSING`, `WORKERS_LIVE`, `MODULE_INVALID`.
 */
export async function advanceTime(
  app: INestApplicationContext,
  time: Duration,
  options: OfInstance = {},
): Promise<void> {
  const ms = msOf(time);
  const [problem] = duration(1, YEARS_MS)(ms, 'time');
  if (problem) throw new QueueError('INVALID_OPTION', `advanceTime: ${problem}.`);
  const parts = partsOf(app, options);
  refuseOutsideTests(parts, 'advanceTime');
  await refuseLiveWorkers(parts, 'advanceTime');
  await parts.storage.database.callers.run(ADVANCE_TIME, [SHARD, ms]);
  await new HandWorker(parts).turnDuties({ clean: true });
}
