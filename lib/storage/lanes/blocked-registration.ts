import type { LaneName } from '../../job/lane.js';
import { quote } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';

export function blocked({ queue }: LaneName, cause: unknown): QueueError {
  return new QueueError(
    'TRANSACTION_CONFLICT',
    `Queue ${quote(queue)} could not be registered: another transaction registers the same names, or the last that it has room for (a first simple_queue.enqueue in SQL), and has not ended. Nothing was stored. Try again when it has; where it is the caller's own, enqueue in SQL, too.`,
    { cause },
  );
}

export const isBlocked = (error: unknown): boolean =>
  error instanceof QueueError && error.code === 'TRANSACTION_CONFLICT';
