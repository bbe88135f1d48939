import type { Provider } from '@nestjs/common';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { DeclaredSchedules } from '../schedules/declared-schedules.js';
import { QueueSchedules } from '../schedules/queue-schedules.js';
import { Storage } from '../storage/storage.js';
import { getToken } from './tokens.js';

/** What is declared on handlers, and what applications keep in the database. */
export function scheduleProviders(instance: string, options: string): Provider[] {
  return [
    {
      provide: DeclaredSchedules,
      inject: [Storage, options, HandlerRegistry],
      useFactory: (storage: Storage, resolved: ResolvedOptions, registry: HandlerRegistry) =>
        new DeclaredSchedules(storage, resolved, () => registry.schedules),
    },
    {
      provide: getToken(QueueSchedules, instance),
      inject: [Storage, options, QueueEventBus, DeclaredSchedules],
      useFactory: queueSchedules,
    },
  ];
}

function queueSchedules(
  storage: Storage,
  options: ResolvedOptions,
  events: QueueEventBus,
  ...[declared]: [DeclaredSchedules]
): QueueSchedules {
  return new QueueSchedules(storage, options, { events, declared, owner: options.schedules.owner });
}
