import { NO_LABELS } from '../job/values/labels.js';
import { isPattern, narrowed } from '../job/values/queue-pattern.js';
import { type LaneName, type Served, serves } from '../job/lane.js';
import type { ServedLanes } from '../storage/lanes/lanes.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';

/** What a worker's handlers can run, as far as it serves it. */
export function wishesOf(handlers: HandlerRegistry, { queues = ['*'] }: Served): ServedLanes[] {
  return handlers.all().flatMap(({ queue, name }) => {
    const both = queues.map((pattern) => narrowed(queue, pattern));
    return both.flatMap((each) => (each === undefined ? [] : { queue: each, name }));
  });
}

/** Lanes that handlers have by themselves: with a name and a queue of their own. */
export function ownLanes(handlers: HandlerRegistry, served: Served): LaneName[] {
  const own = handlers
    .all()
    .filter(({ queue }) => !isPattern(queue) && serves(served, { queue, labels: NO_LABELS }));
  return own.map(({ queue, name = '' }) => ({ queue, name }));
}
