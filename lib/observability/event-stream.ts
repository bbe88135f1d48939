import { Observable } from 'rxjs';
import type { JobEventName, JobEvents, QueueEvents } from './events.js';

/** An event with its name: narrow by `type`. */
export type QueueEvent<Name extends JobEventName = JobEventName> = {
  [Type in Name]: { type: Type; event: JobEvents[Type] };
}[Name];

/** Listens while somebody is subscribed. */
export function eventStream<Name extends JobEventName>(
  events: QueueEvents,
  names: readonly Name[],
): Observable<QueueEvent<Name>> {
  return new Observable((subscriber) => {
    const stops = names.map((type) => events.on(type, (event) => subscriber.next({ type, event })));
    return () => stops.forEach((stop) => stop());
  });
}
