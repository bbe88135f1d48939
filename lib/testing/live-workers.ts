import { QueueError } from '../job/queue.errors.js';
import { SHARD } from '../storage/connection/shard.js';
import { workerName } from '../runtime/worker-name.js';
import type { ApplicationParts } from './application-parts.js';
import { LIST_LIVE_WORKERS } from './sql/list-live-workers.sql.js';

/** Whose jobs are they? @throws QueueError `WORKERS_LIVE` where another process works this schema. */
export async function refuseLiveWorkers(
  { storage, options }: ApplicationParts,
  helper: string,
): Promise<void> {
  const workers = await storage.database.callers.run<{ worker: string }>(LIST_LIVE_WORKERS, [
    SHARD,
    workerName(),
  ]);
  if (workers.length === 0) return;
  const names = workers.map(({ worker }) => `"${worker}"`).join(', ');
  throw new QueueError(
    'WORKERS_LIVE',
    `${helper} was refused: schema "${options.schema}" is worked by ${names}, and its jobs are not this test's own. Give each test file a \`schema\` or a database of its own; is this the right database at all?`,
  );
}
