import type { FactoryProvider } from '@nestjs/common';
import type { JobTarget } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { Queue } from '../queue.js';
import { QueueService } from '../queue.service.js';
import { getQueueToken, getToken } from './tokens.js';

/** A `Queue` for each target, under its token. @throws QueueError `INVALID_NAME`, `MODULE_INVALID` */
export function featureProviders(
  targets: readonly JobTarget[],
  instance: string,
): FactoryProvider<Queue>[] {
  if (!Array.isArray(targets as unknown)) throw noList();
  const providers = targets.map((target) => queueProvider(target, instance));
  const twin = providers.find(
    ({ provide }, index) => providers.findIndex((other) => other.provide === provide) < index,
  );
  if (twin) throw twins(String(twin.provide));
  return providers;
}

/** The service may be missing, so that the error can say what to do. */
function queueProvider(target: JobTarget, instance: string): FactoryProvider<Queue> {
  return {
    provide: getQueueToken(target, instance),
    inject: [{ token: getToken(QueueService, instance), optional: true }],
    useFactory: (queues: QueueService | undefined) => {
      if (!queues) throw homeless(instance);
      return new Queue(queues, target);
    },
  };
}

function noList(): QueueError {
  return new QueueError(
    'MODULE_INVALID',
    "SimpleQueueModule.forFeature takes a list of templates and names: forFeature(['audit']).",
  );
}

function twins(token: string): QueueError {
  return new QueueError(
    'MODULE_INVALID',
    `${token} is requested twice in one call. Of two templates for one queue and name only one could be injected: give one another name, or list it in a module of its own.`,
  );
}

function homeless(instance: string): QueueError {
  const options = instance === 'default' ? '' : `{ name: '${instance}' }`;
  return new QueueError(
    'MODULE_INVALID',
    `SimpleQueueModule.forFeature finds no QueueService of the ${instance === 'default' ? 'unnamed instance' : `instance "${instance}"`}. Import SimpleQueueModule.forRoot(${options}) in the root module, without isGlobal: false.`,
  );
}
