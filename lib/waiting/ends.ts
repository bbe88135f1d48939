import type { QueueEventBus } from '../observability/events.js';

const ENDS = ['succeeded', 'failed', 'cancelled'] as const;

/** Calls back with the id of each job that ends in this process; the answer stops it. Events are made only while somebody listens. */
export function onEnds(events: QueueEventBus, hear: (id: string) => void): () => void {
  const stops = ENDS.map((name) => events.on(name, ({ id }) => hear(id)));
  return () => stops.forEach((stop) => stop());
}
