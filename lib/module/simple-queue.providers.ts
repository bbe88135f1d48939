import { Logger, type FactoryProvider, type Provider } from '@nestjs/common';
import { DiscoveryService, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import type { DataSource } from 'typeorm';
import { QueueAdmin } from '../admin/queue-admin.js';
import { QueueDoctor } from '../doctor/queue-doctor.js';
import { QueueError } from '../job/queue.errors.js';
import { QueueEventBus } from '../observability/events.js';
import { attachLogListener } from '../observability/log-listener.js';
import { RunTally } from '../observability/run-tally.js';
import { QueueHealth } from '../health/queue-health.js';
import { TelemetryStarter } from './telemetry-starter.js';
import { JobQueue } from '../pull/job-queue.js';
import { PostgresJobQueue } from '../pull/postgres-job-queue.js';
import { QueueLimits } from '../limits/queue-limits.js';
import { QueueService } from '../queue.service.js';
import { DeclaredSchedules } from '../schedules/declared-schedules.js';
import { QueueSchedules } from '../schedules/queue-schedules.js';
import { resolveOptions, type Resolution } from '../options/resolve-options.js';
import type { ResolvedOptions, SimpleQueueOptions } from '../options/simple-queue.options.js';
import { dataSourceToken, type DataSourceChoice } from '../storage/connection/data-source-token.js';
import { Storage } from '../storage/storage.js';
import { QueueWorkflows } from '../workflows/queue-workflows.js';
import { scheduleProviders } from './schedule.providers.js';
import { getSimpleQueueOptionsToken, getStorageToken, getToken } from './tokens.js';
import { HandlerExplorer } from '../handlers/handler.explorer.js';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import { ListenerExplorer } from '../handlers/listener.explorer.js';
import { MODULE_INSTANCE } from '../handlers/module-instance.js';
import { NestEnhancers } from '../handlers/nest-enhancers.js';
import { QueueWorker } from '../worker/queue-worker.js';

/** What the application gave to forRoot or forRootAsync. */
export const GIVEN_OPTIONS = Symbol('nestjs-simple-queue:given-options');
/** Its options with the defaults applied, and what is suspicious about them. */
export const RESOLUTION = Symbol('nestjs-simple-queue:resolution');

type Token = FactoryProvider['provide'];

/** The class of the module without it was imported as it is. */
export const IS_SET_UP = { provide: Symbol('nestjs-simple-queue:is-set-up'), useValue: true };

/** The providers of one instance of the module. Nest gives each instance its own set, so only what is exported needs a name of its own. */
export function queueProviders(
  instance: string,
  dataSource: DataSourceChoice | undefined,
): Provider[] {
  const options = getSimpleQueueOptionsToken(instance);
  return [
    { provide: MODULE_INSTANCE, useValue: instance },
    HandlerRegistry,
    provide(RESOLUTION, [GIVEN_OPTIONS], (given: SimpleQueueOptions) =>
      resolveOptions(given, instance),
    ),
    provide(options, [RESOLUTION], (resolution: Resolution) => resolution.options),
    provide(QueueEventBus, [RESOLUTION], eventsWithLog),
    storageProvider(options, dataSource),
    { provide: getStorageToken(instance), useExisting: Storage },
    ...callers(instance, options),
    ...handlers(instance, options),
    ...scheduleProviders(instance, options),
    ...onlookers(instance, options),
  ];
}

/** For those who enqueue jobs, and who take them from outside. */
function callers(instance: string, options: Token): Provider[] {
  const [service, queue] = [getToken(QueueService, instance), getToken(JobQueue, instance)];
  const shared = [Storage, options, QueueEventBus];
  return [
    provide(service, shared, construct(QueueService)),
    provide(queue, [...shared, service], jobQueue),
    provide(getToken(QueueLimits, instance), [...shared, queue], construct(QueueLimits)),
    provide(getToken(QueueWorkflows, instance), shared, construct(QueueWorkflows)),
  ];
}

/** What finds handlers and listeners, and runs them. */
function handlers(instance: string, options: Token): Provider[] {
  const found = [DiscoveryService, options, HandlerRegistry, QueueEventBus, NestEnhancers];
  const heard = [DiscoveryService, QueueEventBus, MODULE_INSTANCE];
  const service = getToken(QueueService, instance);
  const used = [Storage, options, QueueEventBus, HandlerRegistry, service];
  return [
    provide(NestEnhancers, [ExternalContextCreator, options], nestEnhancers),
    provide(HandlerExplorer, found, handlerExplorer),
    provide(ListenerExplorer, heard, construct(ListenerExplorer)),
    provide(
      getToken(QueueWorker, instance),
      [...used, DeclaredSchedules, ModulesContainer],
      queueWorker,
    ),
  ];
}

/** Those who look in from outside. */
function onlookers(instance: string, options: Token): Provider[] {
  const [doctor, health] = [getToken(QueueDoctor, instance), getToken(QueueHealth, instance)];
  const worker = getToken(QueueWorker, instance);
  return [
    provide(getToken(QueueAdmin, instance), [Storage, options], construct(QueueAdmin)),
    provide(doctor, [Storage, options, HandlerRegistry], construct(QueueDoctor)),
    provide(TelemetryStarter, [Storage, options, QueueEventBus, worker], telemetryStarter),
    provide(health, [Storage, options, worker], construct(QueueHealth)),
  ];
}

/** What an instance shows to other modules. */
export function exportedTokens(instance: string): Token[] {
  const outside = [QueueAdmin, QueueWorker, QueueHealth, QueueDoctor];
  const classes = [QueueService, QueueSchedules, QueueLimits, QueueWorkflows, JobQueue, ...outside];
  return [
    ...classes.map((each) => getToken(each, instance)),
    getSimpleQueueOptionsToken(instance),
    getStorageToken(instance),
  ];
}

function provide<Args extends never[]>(
  token: Token,
  inject: FactoryProvider['inject'],
  useFactory: (...args: Args) => unknown,
): FactoryProvider {
  return { provide: token, inject, useFactory: useFactory as FactoryProvider['useFactory'] };
}

function nestEnhancers(
  external: ExternalContextCreator,
  { globalEnhancers }: ResolvedOptions,
): NestEnhancers {
  return new NestEnhancers(external, globalEnhancers);
}

function handlerExplorer(
  discovery: DiscoveryService,
  options: ResolvedOptions,
  registry: HandlerRegistry,
  ...[events, enhancers]: [QueueEventBus, NestEnhancers]
): HandlerExplorer {
  const { instance } = options;
  return new HandlerExplorer(discovery, { registry, instance, events, enhancers, options });
}

function queueWorker(
  storage: Storage,
  options: ResolvedOptions,
  events: QueueEventBus,
  ...[registry, queues, declared, modules]: [
    HandlerRegistry,
    QueueService,
    DeclaredSchedules,
    ModulesContainer,
  ]
): QueueWorker {
  return new QueueWorker({ storage, options, events, registry, queues, declared }, modules);
}

function telemetryStarter(
  storage: Storage,
  options: ResolvedOptions,
  events: QueueEventBus,
  ...[worker]: [QueueWorker]
): TelemetryStarter {
  return new TelemetryStarter({ storage, options, events, worker });
}

function jobQueue(
  storage: Storage,
  options: ResolvedOptions,
  events: QueueEventBus,
  ...[queues]: [QueueService]
): PostgresJobQueue {
  return new PostgresJobQueue({ storage, options, events, queues });
}

function construct<Args extends unknown[], Instance>(
  type: new (...args: Args) => Instance,
): (...args: Args) => Instance {
  return (...args) => new type(...args);
}

function eventsWithLog({ options, warnings }: Resolution): QueueEventBus {
  const events = new QueueEventBus(options.tally ? new RunTally() : undefined);
  const logger = new Logger(
    options.instance === 'default' ? 'SimpleQueue' : `SimpleQueue:${options.instance}`,
  );
  if (options.logs) attachLogListener(events, logger, options.logs);
  for (const message of warnings)
    events.emit('warning', () => ({ code: 'OPTIONS_SUSPICIOUS', message }));
  return events;
}

/** A DataSource that is given is not asked for; one that is asked for may be missing, so that the error can say what to do. */
function storageProvider(
  options: string,
  dataSource: DataSourceChoice | undefined,
): FactoryProvider {
  const open = (
    resolved: ResolvedOptions,
    events: QueueEventBus,
    found: DataSource,
  ): Promise<Storage> => Storage.open(found, resolved, events);
  if (typeof dataSource === 'object') {
    return provide(
      Storage,
      [options, QueueEventBus],
      (resolved: ResolvedOptions, events: QueueEventBus) => open(resolved, events, dataSource),
    );
  }
  const token = dataSourceToken(dataSource);
  return provide(
    Storage,
    [options, QueueEventBus, { token, optional: true }],
    (resolved: ResolvedOptions, events: QueueEventBus, found: DataSource | undefined) => {
      if (!found) throw missing(token);
      return open(resolved, events, found);
    },
  );
}

function missing(token: Exclude<DataSourceChoice, DataSource>): QueueError {
  const name = typeof token === 'function' ? token.name : String(token);
  return new QueueError(
    'DATA_SOURCE_MISSING',
    `SimpleQueueModule found no DataSource under the token ${name}. Import TypeOrmModule.forRoot(...) in the root module, or give a DataSource, its ` +
      'token or its name as `dataSource`. Two copies of TypeORM (npm ls typeorm) have a token each. Another module that provides it must be global, or be imported by forRootAsync({ imports }).',
  );
}
