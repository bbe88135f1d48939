import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Global,
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  getToken,
  Job,
  OnJobEvent,
  QueueHandler,
  QueueService,
  QueueWorker,
  SimpleQueueModule,
  type QueueEvents,
  type SimpleQueueOptions,
} from '../lib/index.js';
import { QueueAdmin } from '../lib/admin.js';
import { QueueSchedules } from '../lib/schedules.js';
import { QueueWorkflows, workflow } from '../lib/workflows.js';
import { getSimpleQueueOptionsToken } from '../lib/module/tokens.js';
import type { ResolvedOptions } from '../lib/options/simple-queue.options.js';
import { anEmptyDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';

let database: TestDatabase;
let dataSource: DataSource;
const started: TestingModule[] = [];

beforeAll(async () => {
  database = await anEmptyDatabase();
  dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
});

afterEach(async () => {
  for (const module of started.splice(0)) await module.close();
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

type Imports = (DynamicModule | Type)[];

/** A started application; closed after the test. */
async function anApplication(imports: Imports, providers: Type[] = []): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports, providers }).compile();
  started.push(module);
  return module.init();
}

const typeOrm = (): DynamicModule => TypeOrmModule.forRoot({ type: 'postgres', url: database.url });

const code = (value: string): unknown =>
  expect.objectContaining({ name: 'QueueError', code: value });

const optionsOf = (module: TestingModule, instance?: string): ResolvedOptions =>
  module.get(getSimpleQueueOptionsToken(instance), { strict: false });

it('is refused without forRoot(): its handlers would wait for ever', async () => {
  await expect(anApplication([typeOrm(), SimpleQueueModule])).rejects.toThrow(
    expect.objectContaining({
      code: 'MODULE_INVALID',
      message: expect.stringContaining('SimpleQueueModule.forRoot()'),
    }),
  );
});

it('is refused where forRootAsync says nothing of where its options come from', () => {
  expect(() => SimpleQueueModule.forRootAsync({})).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('give one of useFactory, useClass and useExisting'),
    }),
  );
});

describe('the DataSource', () => {
  class Elsewhere {}
  const symbol = Symbol('DataSource');

  function providing(token: symbol | string | Type, isGlobal = true): DynamicModule {
    @Module({})
    class DataModule {}
    return {
      module: DataModule,
      global: isGlobal,
      providers: [{ provide: token, useFactory: () => dataSource }],
      exports: [token],
    };
  }

  it.each<[string, () => Imports]>([
    ["is the application's own", () => [typeOrm(), SimpleQueueModule.forRoot({ worker: false })]],
    ['may be given', () => [SimpleQueueModule.forRoot({ worker: false, dataSource })]],
    [
      'may be named by a symbol',
      () => [providing(symbol), SimpleQueueModule.forRoot({ worker: false, dataSource: symbol })],
    ],
    [
      'may be named by a class',
      () => [
        providing(Elsewhere),
        SimpleQueueModule.forRoot({ worker: false, dataSource: Elsewhere }),
      ],
    ],
    [
      'may be named as in @nestjs/typeorm',
      () => [
        TypeOrmModule.forRoot({ type: 'postgres', url: database.url, name: 'orders' }),
        SimpleQueueModule.forRoot({ worker: false, dataSource: 'orders' }),
      ],
    ],
    [
      'may come from a module that forRootAsync imports',
      () => [
        SimpleQueueModule.forRootAsync({
          imports: [providing(symbol, false)],
          useFactory: () => ({ worker: false }),
          dataSource: symbol,
        }),
      ],
    ],
  ])('%s', async (_, imports) => {
    const module = await anApplication(imports());
    expect(await module.get(QueueService).enqueue('mail', {})).toMatchObject({ created: true });
  });

  it('stops the start when there is none, and the error says what to do', async () => {
    const start = anApplication([SimpleQueueModule.forRoot()]);
    await expect(start).rejects.toThrow(code('DATA_SOURCE_MISSING'));
    await expect(start).rejects.toThrow(
      /under the token DataSource.*Import TypeOrmModule\.forRoot/,
    );
  });

  it('stops the start when its token is provided nowhere', async () => {
    const start = anApplication([typeOrm(), SimpleQueueModule.forRoot({ dataSource: 'orders' })]);
    await expect(start).rejects.toThrow(/under the token ordersDataSource/);
  });

  it('stops the start with its own error when it cannot connect', async () => {
    @Global()
    @Module({
      providers: [
        { provide: DataSource, useFactory: () => Promise.reject(new Error('no such host')) },
      ],
      exports: [DataSource],
    })
    class Unreachable {}
    await expect(anApplication([Unreachable, SimpleQueueModule.forRoot()])).rejects.toThrow(
      'no such host',
    );
  });

  it('stops the start when nobody initialized it', async () => {
    const idle = new DataSource({ type: 'postgres', url: database.url });
    await expect(anApplication([SimpleQueueModule.forRoot({ dataSource: idle })])).rejects.toThrow(
      code('DATA_SOURCE_NOT_READY'),
    );
  });

  it('stops the start when it is of another kind', async () => {
    const other = { options: { type: 'mysql' }, isInitialized: true } as unknown as DataSource;
    await expect(anApplication([SimpleQueueModule.forRoot({ dataSource: other })])).rejects.toThrow(
      code('DATA_SOURCE_UNSUPPORTED'),
    );
  });

  it('stops the start when what was given is none', async () => {
    const other = { host: 'localhost' } as unknown as DataSource;
    await expect(anApplication([SimpleQueueModule.forRoot({ dataSource: other })])).rejects.toThrow(
      code('DATA_SOURCE_UNSUPPORTED'),
    );
  });
});

describe('options', () => {
  const given: SimpleQueueOptions = { worker: false, concurrency: 7 };

  class Config {
    createSimpleQueueOptions(): SimpleQueueOptions {
      return given;
    }
  }
  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}

  it.each<[string, () => DynamicModule]>([
    ['forRoot', () => SimpleQueueModule.forRoot({ ...given, dataSource })],
    ['useFactory', () => SimpleQueueModule.forRootAsync({ dataSource, useFactory: () => given })],
    [
      'useFactory that waits and injects',
      () =>
        SimpleQueueModule.forRootAsync({
          dataSource,
          imports: [ConfigModule],
          inject: [Config],
          useFactory: async (config: Config) => config.createSimpleQueueOptions(),
        }),
    ],
    ['useClass', () => SimpleQueueModule.forRootAsync({ dataSource, useClass: Config })],
    [
      'useExisting',
      () =>
        SimpleQueueModule.forRootAsync({
          dataSource,
          imports: [ConfigModule],
          useExisting: Config,
        }),
    ],
  ])('come by %s', async (_, imported) => {
    const module = await anApplication([imported()]);
    expect(optionsOf(module)).toMatchObject({
      instance: 'default',
      concurrency: 7,
      worker: undefined,
    });
  });

  it('stop the start when they are wrong', async () => {
    const wrong = { concurency: 5 } as SimpleQueueOptions;
    await expect(
      anApplication([SimpleQueueModule.forRoot({ ...wrong, dataSource })]),
    ).rejects.toThrow(/did you mean "concurrency"/);
    await expect(
      anApplication([SimpleQueueModule.forRootAsync({ dataSource, useFactory: () => wrong })]),
    ).rejects.toThrow(code('INVALID_OPTION'));
  });

  it.each<[string, () => unknown]>([
    ['name', () => SimpleQueueModule.forRoot({ name: 'two words' })],
    ['dataSource', () => SimpleQueueModule.forRoot({ dataSource: 5 as never })],
    [
      'isGlobal',
      () => SimpleQueueModule.forRootAsync({ useFactory: () => given, isGlobal: 'yes' as never }),
    ],
    [
      'datasource',
      () =>
        SimpleQueueModule.forRootAsync({ useFactory: () => given, datasource: 'orders' } as never),
    ],
  ])('that tokens depend on are checked where they are written: %s', (name, call) => {
    expect(call).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`- ${name} `),
      }),
    );
  });

  it('are taken as not given when they are undefined', async () => {
    const module = await anApplication([
      SimpleQueueModule.forRoot({
        worker: false,
        dataSource,
        name: undefined,
        isGlobal: undefined,
        concurrency: undefined,
      }),
    ]);
    expect(optionsOf(module)).toMatchObject({ instance: 'default', concurrency: 100 });
  });
});

describe('the module', () => {
  it('has its tables before any onModuleInit, where enqueueing works already', async () => {
    const schema = 'early';
    @Injectable()
    class Early implements OnModuleInit {
      job?: { created: boolean };
      constructor(private readonly queues: QueueService) {}
      async onModuleInit(): Promise<void> {
        this.job = await this.queues.enqueue('mail', {});
      }
    }
    const module = await anApplication(
      [SimpleQueueModule.forRoot({ worker: false, dataSource, schema })],
      [Early],
    );
    expect(module.get(Early).job).toMatchObject({ created: true });
  });

  it('is global unless it is told not to be', async () => {
    @Injectable()
    class Shop {
      constructor(readonly queues: QueueService) {}
    }
    @Module({ providers: [Shop] })
    class ShopModule {}
    const module = await anApplication([
      ShopModule,
      SimpleQueueModule.forRoot({ worker: false, dataSource }),
    ]);
    expect(module.get(Shop, { strict: false }).queues).toBeInstanceOf(QueueService);
    const local = anApplication([
      ShopModule,
      SimpleQueueModule.forRoot({ worker: false, dataSource, isGlobal: false }),
    ]);
    await expect(local).rejects.toThrow(/can't resolve dependencies of the Shop/);
  });

  it('closes its connections with the application', async () => {
    const own = await anEmptyDatabase();
    const module = await anApplication([
      TypeOrmModule.forRoot({ type: 'postgres', url: own.url }),
      SimpleQueueModule.forRoot(),
    ]);
    await module.get(QueueService).enqueue('mail', {});
    await module.close();
    const others =
      'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    await eventually(async () => (await own.query(others)).length === 0);
    await own.drop();
  });

  it('refuses to enqueue after the close, with a code', async () => {
    const module = await anApplication([SimpleQueueModule.forRoot({ worker: false, dataSource })]);
    const queues = module.get(QueueService);
    await module.close();
    await expect(queues.enqueue('mail', {})).rejects.toThrow(code('CLOSED'));
  });

  it('refuses to store anything in a transaction of a DataSource that outlives it', async () => {
    const module = await anApplication([SimpleQueueModule.forRoot({ worker: false, dataSource })]);
    const queues = module.get(QueueService);
    const [schedules, workflows] = [module.get(QueueSchedules), module.get(QueueWorkflows)];
    await module.close();
    await dataSource.transaction(async (manager) => {
      const flow = workflow('late').step('one', 'mail', 1);
      const calls = [
        () => queues.enqueue('mail', {}, { manager }),
        () => queues.enqueueMany('mail', [{ payload: 1 }], { manager }),
        () => queues.cancel({ uniqueKey: 'k', queue: 'mail' }, { manager }),
        () => schedules.put('late', { target: 'mail', cron: '0 0 * * *' }, { manager }),
        () => workflows.start(flow, { manager }),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow(code('CLOSED'));
    });
  });
});

@QueueHandler('mail')
class Mailer {
  readonly sent: unknown[] = [];
  readonly stored: unknown[] = [];

  process(job: Job): void {
    this.sent.push(job.payload);
  }

  @OnJobEvent('enqueued')
  enqueued(event: QueueEvents['enqueued']): void {
    this.stored.push(event);
  }
}

describe('a worker', () => {
  it('runs the handlers of the application', async () => {
    const module = await anApplication(
      [SimpleQueueModule.forRoot({ dataSource, schema: 'runs' })],
      [Mailer],
    );
    await module.get(QueueService).enqueue('mail', { to: 'you' });
    await eventually(() => expect(module.get(Mailer).sent).toEqual([{ to: 'you' }]));
  });

  it('waits for start() where it does not start by itself', async () => {
    const options: SimpleQueueOptions = { schema: 'waits', worker: { autoStart: false } };
    const module = await anApplication(
      [SimpleQueueModule.forRoot({ dataSource, ...options })],
      [Mailer],
    );
    const { id } = await module.get(QueueService).enqueue('mail', { to: 'you' });
    expect(await module.get(QueueService).find(id)).toMatchObject({ state: 'ready' });
    await module.get(QueueWorker).start();
    await eventually(() => expect(module.get(Mailer).sent).toEqual([{ to: 'you' }]));
  });

  it('is not there with worker: false, where handlers are no error and listeners listen', async () => {
    const module = await anApplication(
      [SimpleQueueModule.forRoot({ dataSource, schema: 'off', worker: false })],
      [Mailer],
    );
    await module.get(QueueService).enqueue('mail', {});
    expect(module.get(Mailer).stored).toHaveLength(1);
    await expect((async () => module.get(QueueWorker).start())()).rejects.toThrow(
      code('WORKER_DISABLED'),
    );
  });

  it.each<[string, SimpleQueueOptions]>([
    ['starts by itself', {}],
    ['is started by the application', { worker: { autoStart: false } }],
    ['is not there', { worker: false }],
  ])('does not hide a wrong handler when it %s', async (_, options) => {
    @QueueHandler('mail')
    class Empty {}
    const start = anApplication(
      [SimpleQueueModule.forRoot({ dataSource, schema: 'wrong', ...options })],
      [Empty],
    );
    await expect(start).rejects.toThrow(code('HANDLER_INVALID'));
  });
});

describe('several instances in one application', () => {
  @QueueHandler('mail', { instance: 'reports' })
  class ReportMailer extends Mailer {}

  @Injectable()
  class Both {
    constructor(
      readonly queues: QueueService,
      @Inject(getToken(QueueService, 'reports')) readonly reports: QueueService,
    ) {}
  }

  const both = (): Imports => [
    SimpleQueueModule.forRoot({ dataSource, schema: 'one' }),
    SimpleQueueModule.forRootAsync({
      name: 'reports',
      dataSource,
      useFactory: () => ({ schema: 'two', concurrency: 3 }),
    }),
  ];

  it('have no token for what the module does not provide', () => {
    expect(() => getToken(Date as never)).toThrow(
      /getToken: the class Date is nothing that the module provides: QueueService, /,
    );
  });

  it('have each their own tokens and options', async () => {
    const module = await anApplication(both(), [Both]);
    const tokens = [QueueService, QueueAdmin, QueueWorker].map((each) => [
      module.get<object>(getToken(each)),
      module.get<object>(getToken(each, 'reports')),
    ]);
    for (const [one, other] of tokens) expect(one).not.toBe(other);
    expect([optionsOf(module).concurrency, optionsOf(module, 'reports').concurrency]).toEqual([
      100, 3,
    ]);
  });

  it('run each their own handlers on their own tables', async () => {
    const module = await anApplication(both(), [Both, Mailer, ReportMailer]);
    const { queues, reports } = module.get(Both);
    await Promise.all([queues.enqueue('mail', 'one'), reports.enqueue('mail', 'two')]);
    await eventually(() =>
      expect([module.get(Mailer).sent, module.get(ReportMailer).sent]).toEqual([['one'], ['two']]),
    );
  });

  it('may not share a name', async () => {
    const twins = [
      SimpleQueueModule.forRoot({ dataSource }),
      SimpleQueueModule.forRoot({ dataSource }),
    ];
    await expect(anApplication(twins)).rejects.toThrow(code('MODULE_INVALID'));
  });
});

it('two applications in one process do not meet', async () => {
  const shop = await anApplication(
    [SimpleQueueModule.forRoot({ dataSource, schema: 'shop' })],
    [Mailer],
  );
  const blog = await anApplication(
    [SimpleQueueModule.forRoot({ dataSource, schema: 'blog' })],
    [Mailer],
  );
  await shop.get(QueueService).enqueue('mail', 'shop');
  await eventually(() => expect(shop.get(Mailer).sent).toEqual(['shop']));
  await shop.close();
  await blog.get(QueueService).enqueue('mail', 'blog');
  await eventually(() => expect(blog.get(Mailer).sent).toEqual(['blog']));
  expect(shop.get(Mailer).sent).toEqual(['shop']);
});
