import type { INestApplicationContext, Provider, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { JobContext } from '../../lib/job/job-context.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import type { Job } from '../../lib/job/job.js';
import {
  QueueEventBus,
  type QueueEventName,
  type QueueEvents,
} from '../../lib/observability/events.js';
import { QueueService } from '../../lib/queue.service.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import { SimpleQueueModule } from '../../lib/module/simple-queue.module.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { Storage } from '../../lib/storage/storage.js';
import { QueueWorker } from '../../lib/worker/queue-worker.js';
import type { TestDatabase } from './database.js';
import { scaled } from './patience.mjs';

export interface TestApplication {
  app: INestApplicationContext;
  queues: QueueService;
  worker: QueueWorker;
  dataSource: DataSource;
  storage: Storage;
  events: QueueEventBus;
  /** Every event of a name since the start. */
  seen<Name extends QueueEventName>(name: Name): QueueEvents[Name][];
  close(): Promise<void>;
}

export interface TestApplicationOptions {
  options?: SimpleQueueOptions;
  providers?: Provider[];
  typeorm?: Partial<DataSourceOptions>;
}

/** Short intervals, so that faults heal within a test's patience; a lease and a time for statements that a machine which stops for seconds keeps. */
export const QUICK: SimpleQueueOptions = {
  pollIntervalMs: 200,
  heartbeatIntervalMs: 300,
  leaseMs: scaled(6_000),
  queryTimeoutMs: scaled(4_000),
  reaperIntervalMs: 200,
};

/** Where no fault has to heal: no lease runs out, and no reply is given up, because the machine is busy. */
export const PATIENT = {
  leaseMs: 60_000,
  queryTimeoutMs: 20_000,
} as const satisfies SimpleQueueOptions;

/** A Nest application on a database of its own, with the real module. Without handlers it still has a worker. */
export async function anApplication(
  database: TestDatabase,
  given: TestApplicationOptions = {},
): Promise<TestApplication> {
  const typeorm = {
    type: 'postgres',
    url: database.url,
    retryAttempts: 0,
    ...given.typeorm,
  } as const;
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot(typeorm as never),
      SimpleQueueModule.forRoot({ ...QUICK, ...given.options }),
    ],
    providers: given.providers ?? [],
  }).compile();
  module.useLogger(false);
  const events = module.get(QueueEventBus, { strict: false });
  const seen = recordEvents(events);
  await module.init();
  return {
    app: module,
    queues: module.get(QueueService, { strict: false }),
    worker: module.get(QueueWorker, { strict: false }),
    dataSource: module.get(DataSource, { strict: false }),
    storage: module.get(Storage, { strict: false }),
    events,
    seen,
    close: () => module.close(),
  };
}

/** But for want of this process's own time: on a busy machine that says nothing. */
export const failedLoops = (application: TestApplication): QueueEvents['loopFailed'][] =>
  application
    .seen('loopFailed')
    .filter(({ error }) => !(error instanceof DatabaseError && error.isBlocked));

const NAMES: QueueEventName[] = [
  'started',
  'progress',
  'succeeded',
  'retried',
  'rescheduled',
  'released',
  'failed',
  'cancelled',
  'leaseLost',
  'outputCut',
  'outputInvalid',
  'leaseLapsed',
  'reaped',
  'expired',
  'workflowEnded',
  'workflowStuck',
  'loopFailed',
  'warning',
  'workerStarted',
  'workerStopped',
];

/** Comes five seconds after the start: no application of a test has hooks for a shutdown. */
const isOfSlowTests = (event: object): boolean =>
  'code' in event && event.code === 'NO_SHUTDOWN_HOOKS';

function recordEvents(events: QueueEventBus): TestApplication['seen'] {
  const recorded = new Map<QueueEventName, unknown[]>(NAMES.map((name) => [name, []]));
  for (const name of NAMES)
    events.on(name, (event) => void (isOfSlowTests(event) || recorded.get(name)!.push(event)));
  return <Name extends QueueEventName>(name: Name) => recorded.get(name) as QueueEvents[Name][];
}

/** A handler class made of a function. */
export function aHandler(
  queue: string,
  process: (job: Job<never>, context: JobContext) => unknown,
  options: QueueHandlerOptions = {},
): Type<unknown> {
  class TestHandler {
    process(job: Job<never>, context: JobContext): unknown {
      return process(job, context);
    }
  }
  QueueHandler(queue, options)(TestHandler);
  return TestHandler;
}
