import type { DiscoveryService } from '@nestjs/core';
import { QueueError } from '../job/queue.errors.js';

/** The name of a module instance, provided by each. */
export const MODULE_INSTANCE = Symbol('nestjs-simple-queue:instance');

/** The names of all instances of the module in this application. */
export function moduleInstances(discovery: DiscoveryService): string[] {
  return discovery
    .getProviders()
    .filter((wrapper) => wrapper.token === MODULE_INSTANCE)
    .map((wrapper) => wrapper.instance as string);
}

/** Two of one name would share tokens and both run all handlers. */
export function refuseTwins(instance: string, all: string[]): void {
  if (all.filter((name) => name === instance).length < 2) return;
  throw new QueueError(
    'MODULE_INVALID',
    `SimpleQueueModule is set up twice with the name "${instance}". Call forRoot() once, in the root module, or give the second one another \`name\`.`,
  );
}

/** A handler or listener for an instance that does not exist would never be called. */
export function refuseUnknown(instance: string, all: string[], label: string): void {
  if (all.includes(instance)) return;
  throw new QueueError(
    'HANDLER_INVALID',
    `${label} is for the SimpleQueueModule instance "${instance}", and there is none. Known: ${all.map((name) => `"${name}"`).join(', ')}.`,
  );
}
