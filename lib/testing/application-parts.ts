import type { INestApplicationContext } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { QueueError } from '../job/queue.errors.js';
import { QueueEventBus } from '../observability/events.js';
import { QueueService } from '../queue.service.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { DeclaredSchedules } from '../schedules/declared-schedules.js';
import { Storage } from '../storage/storage.js';
import { getSimpleQueueOptionsToken, getToken } from '../module/tokens.js';
import type { WorkerParts } from '../worker/crew.js';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import { MODULE_INSTANCE } from '../handlers/module-instance.js';
import { QueueWorker } from '../worker/queue-worker.js';
import { areForTests } from './test-options.js';

/** Which of an application's instances of the module a helper of the test kit is for. */
export interface OfInstance {
  /** Default: the unnamed one. */
  instance?: string;
}

/** What the test kit takes out of an application: one instance of the module. */
export interface ApplicationParts extends WorkerParts {
  worker: QueueWorker;
  declared: DeclaredSchedules;
}

type NestModule =
  ReturnType<ModulesContainer['values']> extends Iterable<infer Each> ? Each : never;
type Token = Parameters<NestModule['providers']['get']>[0];

/** @throws QueueError `INVALID_OPTION` for what is no application, `MODULE_INVALID` where it has no such instance of the module. */
export function partsOf(
  app: INestApplicationContext,
  { instance = 'default' }: OfInstance = {},
): ApplicationParts {
  const modules = modulesOf(app);
  const found = modules.find((module) => instanceOf(module) === instance);
  if (!found) throw missing(instance, modules.map(instanceOf));
  const provided = <Provided>(token: Token) => found.providers.get(token)?.instance as Provided;
  return {
    storage: provided<Storage>(Storage),
    events: provided<QueueEventBus>(QueueEventBus),
    registry: provided<HandlerRegistry>(HandlerRegistry),
    options: provided<ResolvedOptions>(getSimpleQueueOptionsToken(instance)),
    queues: provided<QueueService>(getToken(QueueService, instance)),
    declared: provided<DeclaredSchedules>(DeclaredSchedules),
    worker: provided<QueueWorker>(getToken(QueueWorker, instance)),
  };
}

/** For what deletes or shifts: @throws QueueError `TEST_MODULE_MISSING` where the application is not one for tests. */
export function refuseOutsideTests({ options }: ApplicationParts, helper: string): void {
  if (areForTests(options)) return;
  throw new QueueError(
    'TEST_MODULE_MISSING',
    `${helper} changes all jobs of schema "${options.schema}", so it works only if the application was set up for tests. Import SimpleQueueTestingModule, or call SimpleQueueTestingModule.override(builder).`,
  );
}

function modulesOf(app: INestApplicationContext): NestModule[] {
  if (typeof (app as Partial<INestApplicationContext> | null | undefined)?.get !== 'function')
    throw new QueueError(
      'INVALID_OPTION',
      'The test kit needs the Nest application, or the TestingModule, as its first argument.',
    );
  return [...app.get(ModulesContainer, { strict: false }).values()];
}

const instanceOf = (module: NestModule): string | undefined =>
  module.providers.get(MODULE_INSTANCE)?.instance as string;

function missing(instance: string, all: (string | undefined)[]): QueueError {
  const known = all.filter((name) => name !== undefined).map((name) => `"${name}"`);
  return new QueueError(
    'MODULE_INVALID',
    `The application has no SimpleQueueModule instance "${instance}". ${known.length > 0 ? `Known: ${known.join(', ')}.` : 'Import SimpleQueueTestingModule.forRoot().'}`,
  );
}
