// What must and must not compile of the module and its options: checked by `npm run types`, never run.
import { Inject, type DynamicModule, type Type } from '@nestjs/common';
import { expectTypeOf } from 'expect-type';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import {
  constant,
  custom,
  getToken,
  QueueError,
  QueueService,
  SimpleQueueModule,
  type EnqueueOutcome,
  type FoundJob,
  type QueueErrorCode,
  type SimpleQueueOptions,
  type SimpleQueueOptionsFactory,
} from '../../lib/index.js';

declare const dataSource: DataSource;
declare const transactionHost: { tx: EntityManager | undefined };
declare const token: unique symbol;
declare const SomeModule: Type;
declare const Config: Type<{ get(key: string): string }>;

class Options implements SimpleQueueOptionsFactory {
  createSimpleQueueOptions(): SimpleQueueOptions {
    return { concurrency: 5 };
  }
}

export const modules: DynamicModule[] = [
  SimpleQueueModule.forRoot(),
  SimpleQueueModule.forRoot({}),
  SimpleQueueModule.forRoot({
    dataSource,
    schema: 'jobs',
    worker: false,
    isGlobal: false,
    name: 'reports',
  }),
  SimpleQueueModule.forRoot({
    dataSource: token,
    worker: { queues: ['mail.*'], autoStart: false },
  }),
  SimpleQueueModule.forRoot({ dataSource: 'reports', transaction: () => transactionHost.tx }),
  SimpleQueueModule.forRoot({
    queues: {
      mail: { concurrency: 2, maxAttempts: 5, backoff: constant({ delayMs: 5 }), archive: false },
    },
  }),
  SimpleQueueModule.forRoot({
    backoff: custom((attempt, error) => (error instanceof Error ? attempt : 0)),
  }),
  SimpleQueueModule.forRootAsync({
    useFactory: () => ({ concurrency: 5 }),
    name: 'reports',
    dataSource: 'reports',
    isGlobal: false,
  }),
  SimpleQueueModule.forRootAsync({
    imports: [SomeModule],
    inject: [Config],
    useFactory: async (config: InstanceType<typeof Config>) => ({ schema: config.get('schema') }),
  }),
  SimpleQueueModule.forRootAsync({ useClass: Options }),
  SimpleQueueModule.forRootAsync({ useExisting: Options }),
];

export const wrong: unknown[] = [
  // @ts-expect-error no such option
  SimpleQueueModule.forRoot({ concurency: 5 }),
  // @ts-expect-error no such option of a queue
  SimpleQueueModule.forRoot({ queues: { mail: { concurency: 5 } } }),
  // @ts-expect-error no such unit
  SimpleQueueModule.forRoot({ leaseMs: '15 parsecs' }),
  // @ts-expect-error a number without its unit
  SimpleQueueModule.forRoot({ leaseMs: '15' }),
  // @ts-expect-error not one of the three
  SimpleQueueModule.forRoot({ migrate: true }),
  // @ts-expect-error the dead letter table cannot be left out
  SimpleQueueModule.forRoot({ deadLetter: false }),
  // @ts-expect-error the name is needed before the factory runs
  SimpleQueueModule.forRootAsync({ useFactory: (): SimpleQueueOptions => ({ name: 'reports' }) }),
  // @ts-expect-error the class has no createSimpleQueueOptions
  SimpleQueueModule.forRootAsync({ useClass: Date }),
];

export class Application {
  constructor(
    private readonly queues: QueueService,
    @Inject(getToken(QueueService, 'reports')) private readonly reports: QueueService,
  ) {}

  async use(manager: EntityManager, runner: QueryRunner): Promise<void> {
    const { id, created, outcome } = await this.queues.enqueue(
      'mail',
      { to: 'you' },
      { manager, uniqueKey: 'one' },
    );
    expectTypeOf({ id, created, outcome }).toEqualTypeOf<{
      id: string;
      created: boolean;
      outcome: EnqueueOutcome;
    }>();
    await this.reports.enqueueMany('mail', [{ payload: 1, delayMs: 5 }, { payload: 2 }], {
      manager: runner,
    });
    expectTypeOf(await this.queues.find<{ to: string }, number>(id)).toEqualTypeOf<
      FoundJob<{ to: string }, number> | undefined
    >();
    // @ts-expect-error a function cannot be stored with a job
    await this.queues.enqueue('mail', {}, { backoff: custom(() => 5) });
    // @ts-expect-error a transaction is an EntityManager or a QueryRunner
    await this.queues.enqueue('mail', {}, { manager: dataSource });
    // @ts-expect-error a moment is a Date
    await this.queues.enqueue('mail', {}, { runAt: '2030-01-01' });
  }
}

expectTypeOf(getToken(QueueService)).toEqualTypeOf<typeof QueueService | string>();
// @ts-expect-error the module provides no Date
getToken(Date);
expectTypeOf<QueueError['code']>().toEqualTypeOf<QueueErrorCode>();
