import type { Session } from './session.js';

/** Nothing was found: was it the wrong name? @throws QueueError `QUEUE_UNKNOWN` with the nearest one. */
export async function refuseUnknownQueue(
  { admin }: Session,
  queue: string | undefined,
): Promise<void> {
  if (queue !== undefined) await admin.stats(queue);
}
