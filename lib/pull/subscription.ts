import { AsyncResource } from 'node:async_hooks';
import { failureOf } from '../job/failure.js';
import type { QueueEventBus } from '../observability/events.js';
import type { Signal, Signals } from '../storage/wake-ups/signals.js';
import type { JobQueueEvent, JobQueueEventType, JobQueueListener } from './job-queue.js';

/** The events of a job that subscribers hear; in the order of its life. */
const HEARD: readonly JobQueueEventType[] = [
  'started',
  'succeeded',
  'retried',
  'released',
  'failed',
  'cancelled',
];

/** Notifies a listener of wake-ups and of what happens to jobs in this process, until the answer is called. */
export function subscribe(
  signals: Signals,
  events: QueueEventBus,
  listener: JobQueueListener,
): () => void {
  // Heard where it was subscribed, not where somebody happens to enqueue: a listener may start to work.
  const tell = AsyncResource.bind((event: JobQueueEvent): void =>
    tellSafely(events, listener, event),
  );
  const stops = HEARD.map((type) =>
    events.on(type, ({ id, queue, name, attempt }) => tell({ type, id, queue, name, attempt })),
  );
  stops.push(
    events.on('reaped', ({ expired }) =>
      expired.forEach((lease) => tell({ type: 'leaseExpired', ...lease })),
    ),
  );
  const who = {};
  stops.push(signals.receive((signal) => eventsOf(signal).forEach(tell)));
  signals.startListening(who);
  return () => {
    for (const stop of stops) stop();
    void signals.stopListening(who);
  };
}

/** A signal of cancels without lanes may mean "look everywhere" as well: so it is after a lost connection. */
const eventsOf = ({ cancel }: Signal): JobQueueEvent[] =>
  cancel ? [{ type: 'cancelRequested' }, { type: 'wakeUp' }] : [{ type: 'wakeUp' }];

/** Others listen as well: what one of them throws must not keep a signal from the rest. */
function tellSafely(events: QueueEventBus, listener: JobQueueListener, event: JobQueueEvent): void {
  const complain = (error: unknown): void => {
    const message = `A subscriber of the job queue failed at "${event.type}": ${failureOf(error).message}`;
    events.emit('warning', () => ({ code: 'LISTENER_FAILED', message }));
  };
  try {
    void Promise.resolve(listener(event)).catch(complain);
  } catch (error) {
    complain(error);
  }
}
