import { Observable } from 'rxjs';
import type { QueueEventName, QueueEvents, QueueEventBus } from './events.js';

/** An event with its name: narrow by `type`. */
export type QueueEvent<Name extends QueueEventName = QueueEventName> = {
  [Type in Name]: { type: Type; event: QueueEvents[Type] };
}[Name];

/** Listens while somebody is subscribed. */
export function eventStream<Name extends QueueEventName>(
  events: QueueEventBus,
  names: readonly Name[],
): Observable<QueueEvent<Name>> {
  return new Observable((subscriber) => {
    const stops = names.map((type) => events.on(type, (event) => subscriber.next({ type, event })));
    return () => stops.forEach((stop) => stop());
  });
}
