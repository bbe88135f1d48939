import type { QueueEventName, QueueEventBus } from '../observability/events.js';

/** How the runs of `runUntilEmpty` ended; a job that was retried and then succeeded counts in both. A run that said `slowDown` has rescheduled its job. */
export interface RunCounts {
  succeeded: number;
  retried: number;
  rescheduled: number;
  failed: number;
  cancelled: number;
}

const COUNTED = [
  'succeeded',
  'retried',
  'rescheduled',
  'failed',
  'cancelled',
] as const satisfies readonly QueueEventName[];

/** Counts outcomes until `stop` is called. */
export function countRuns(events: QueueEventBus): { counts: RunCounts; stop: () => void } {
  const counts: RunCounts = { succeeded: 0, retried: 0, rescheduled: 0, failed: 0, cancelled: 0 };
  const stops = COUNTED.map((name) => events.on(name, () => void counts[name]++));
  stops.push(
    events.on(
      'released',
      ({ reason }) => void (counts.rescheduled += Number(reason === 'slowDown')),
    ),
  );
  return { counts, stop: () => stops.forEach((stop) => stop()) };
}
