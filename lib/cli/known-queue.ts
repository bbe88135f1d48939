import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { closestWord } from '../runtime/closest-word.js';
import type { Session } from './session.js';

/**
 * Nothing was found: was it the wrong queue, or the wrong name in it? @throws QueueError `QUEUE_UNKNOWN`, `INVALID_OPTION` with the nearest one.
 */
export async function refuseUnknownQueue(
  { admin }: Session,
  queue: string | undefined,
  name = '',
): Promise<void> {
  if (queue === undefined) return;
  const { lanes } = await admin.stats(queue);
  const known = lanes.map((lane) => lane.name).filter((each) => each !== '');
  refuseNear(name, known, `Queue "${queue}" has no jobs of the name`);
}

/** What is like nothing known is no slip: it may have been there, or may come. @throws QueueError `INVALID_OPTION` */
export function refuseNear(said: string, known: readonly string[], what: string): void {
  if (said === '' || known.includes(said)) return;
  const closest = closestWord(said, known);
  if (closest !== undefined)
    throw new QueueError('INVALID_OPTION', `${what} ${quote(said)}. Did you mean "${closest}"?`);
}
