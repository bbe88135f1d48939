import { QueueError } from '../job/queue.errors.js';
import type { ResolvedOptions } from './simple-queue.options.js';

/**
 * Of queues that tell their ends to others: a circle would go on for ever, each end making another job.
 * @throws QueueError `OUTCOMES_CIRCULAR`
 */
export function refuseCircles(targets: ReadonlyMap<string, string>): void {
  for (const queue of targets.keys()) {
    const way = [queue];
    for (let next = targets.get(queue); next !== undefined; next = targets.get(next)) {
      way.push(next);
      if (next === queue) throw circular(way);
      // It leads into a circle of others, which is found from there.
      if (way.length > targets.size + 1) break;
    }
  }
}

/** What is wrong with queues of outcomes: ends are stored without waiting for anybody. */
export const waitingTargets = (
  targets: ReadonlyMap<string, string>,
  queues: ResolvedOptions['queues'],
): string[] =>
  [...targets].flatMap(([name, target]) => {
    const { ordered, fair, perKey } = queues.get(target) ?? {};
    return ordered || fair || perKey
      ? `queues.${name}.outcomes: queue ${target} cannot be ordered, fair or limited per key, since ends wait for nobody`
      : [];
  });

const circular = (way: string[]): QueueError =>
  new QueueError(
    'OUTCOMES_CIRCULAR',
    `The outcomes of queue "${way[0]}" come back to it (${way.slice(0, 10).join(' -> ')}): each end would make another job, for ever. Give them a queue whose own outcomes go to none of these.`,
  );
