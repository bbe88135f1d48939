import { Observable } from 'rxjs';
import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import {
  JOB_EVENT_NAMES,
  unknownEvent,
  type QueueEventName,
  type QueueEvents,
  type QueueEventBus,
} from './events.js';

/** An event with its name: narrow by `type`. */
export type QueueEvent<Name extends QueueEventName = QueueEventName> = {
  [Type in Name]: { type: Type; event: QueueEvents[Type] };
}[Name];

/** Those that a caller named, or all. @throws QueueError `INVALID_OPTION` for one that there is not. */
export function eventsNamed<Name extends QueueEventName>(names: readonly Name[]): readonly Name[] {
  const wrong = names.find((name) => unknownEvent(name));
  if (wrong !== undefined)
    throw new QueueError('INVALID_OPTION', `events: ${quote(wrong)}: ${unknownEvent(wrong)}`);
  return names.length > 0 ? names : (JOB_EVENT_NAMES as readonly Name[]);
}

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
