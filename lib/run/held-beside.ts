import { QueueError } from '../job/queue.errors.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import type { JobRun } from './job-run.js';

/**
 * A transaction in which the handler has kept a checkpoint, or completed, holds the job's row until it ends. What is written outside of it
 * meanwhile would wait for it, and it for the handler.
 * @throws QueueError `INVALID_OPTION`
 */
export function refuseBeside(
  { heldBy, id, queue }: JobRun,
  joined: Joined | undefined,
  call: 'checkpoint' | 'complete',
): void {
  if (heldBy === undefined || heldBy.runner === joined?.runner || heldBy.isOver) return;
  const message = `${call}: a transaction of this handler that is still open holds the row of job ${id} of queue "${queue}", and a ${call} outside of it would wait for it. Give it the same { manager }, or call it after the commit.`;
  throw new QueueError('INVALID_OPTION', message);
}
