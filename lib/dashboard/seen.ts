import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import type { Source } from './source.js';

/**
 * A window lags behind the tables, and another person may have been faster: an act that says what was seen is for that alone.
 * @throws QueueError where something else is there now.
 */
export function asSeen(seen: unknown, found: unknown, code: QueueErrorCode, words: string): void {
  if (seen !== undefined && seen !== found)
    throw new QueueError(code, `${words} meanwhile. Look again.`);
}

/**
 * `seen` has the end of each job by its id, '' where there was none. What is live again is no matter: to run it again does nothing more.
 * @throws QueueError `JOB_NOT_RUNNING`
 */
export async function endedAsSeen({ admin }: Source, id: string, seen: unknown): Promise<void> {
  const end = (seen as Record<string, unknown> | null | undefined)?.[id];
  const job = end === undefined ? undefined : await admin.job(id);
  if (job?.finishedAt)
    asSeen(end, job.finishedAt.toISOString(), 'JOB_NOT_RUNNING', `Job ${id} has ended as ${job.state}`); // prettier-ignore
}
