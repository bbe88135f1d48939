import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Global,
  Injectable,
  Module,
  type DynamicModule,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import {
  defineJob,
  getQueueToken,
  InjectQueue,
  Queue,
  QueueHandler,
  QueueService,
  QueueWorker,
  SimpleQueueModule,
} from '../lib/index.js';
import { RecordingQueueService } from '../lib/testing/testing.js';
import {
  CheckoutModule,
  CheckoutService,
  CONFIG,
  MAIL,
  mailQueue,
  Receipts,
  RegionalMail,
  TenantWork,
} from './examples/typed-queues.js';
import type { TestDatabase } from './support/database.js';
import { aDatabase } from './support/template.js';
import { eventually } from './support/eventually.js';

let database: TestDatabase;
let dataSource: DataSource;
let module: TestingModule;
let queues: QueueService;

const root = (): DynamicModule =>
  SimpleQueueModule.forRoot({ dataSource, worker: { autoStart: false } });
const reports = (): DynamicModule =>
  SimpleQueueModule.forRoot({ dataSource, name: 'reports', schema: 'two', worker: false });
const started = (metadata: ModuleMetadata): Promise<TestingModule> =>
  Test.createTestingModule(metadata)
    .setLogger(false as never)
    .compile()
    .then((made) => made.init());
const code = (value: string, message: RegExp): unknown =>
  expect.objectContaining({ code: value, message: expect.stringMatching(message) });

/** Only the tests of examples need the handler. */
@QueueHandler(Receipts)
class SendReceipt {
  process(): { sentTo: string } {
    return { sentTo: 'you' };
  }
}

beforeAll(async () => {
  database = await aDatabase();
  dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  @Global()
  @Module({
    providers: [{ provide: CONFIG, useValue: { mailQueue: 'mail-eu' } }],
    exports: [CONFIG],
  })
  class ConfigModule {}
  module = await started({
    imports: [
      ConfigModule,
      root(),
      reports(),
      CheckoutModule,
      SimpleQueueModule.forFeature(['audit'], 'reports'),
    ],
    providers: [SendReceipt, RegionalMail, mailQueue, TenantWork],
  });
  queues = module.get(QueueService);
});

afterAll(async () => {
  await module.close();
  await dataSource.destroy();
  await database.drop();
});

describe('an injected queue', () => {
  const receipts = () =>
    module.get<Queue<{ orderId: string }>>(getQueueToken(Receipts), { strict: false });
  const audit = (instance?: string) =>
    module.get<Queue>(getQueueToken('audit', instance), { strict: false });

  it('stores jobs of its template, and finds and cancels them', async () => {
    const [one] = await receipts().enqueueMany(
      [{ payload: { orderId: '1' }, uniqueKey: 'order:1' }],
      {},
    );
    expect(await queues.find(one!.id)).toMatchObject({
      queue: 'receipts',
      name: 'send',
      payload: { orderId: '1' },
    });
    expect(await receipts().find(one!.id)).toMatchObject({ state: 'ready' });
    expect(await receipts().cancel({ uniqueKey: 'order:1' })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await receipts().wait(one!.id)).toMatchObject({ state: 'cancelled' });
  });

  it("joins the caller's transaction", async () => {
    let id = '';
    const undone = dataSource.transaction(async (manager) => {
      ({ id } = await audit().enqueue({ what: 'it' }, { manager }));
      expect(await audit().find(id, { manager })).toMatchObject({ queue: 'audit' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await audit().find(id)).toBeUndefined();
  });

  it('is of the instance that is named', async () => {
    const { id } = await audit('reports').enqueue(1);
    expect([await audit().find(id), await audit('reports').find(id)]).toEqual([
      undefined,
      expect.objectContaining({ queue: 'audit' }),
    ]);
  });

  it('waits for what the handler answers', async () => {
    await module.get(QueueWorker).start();
    const checkout = module.get(CheckoutService, { strict: false });
    // It waits for five seconds.
    await eventually(async () => expect(await checkout.checkOut('7')).toBe('you'));
    await module.get(QueueWorker).stop();
  });

  it('works on the recording service, for unit tests', async () => {
    const recording = new RecordingQueueService();
    await new Queue(recording as unknown as QueueService, Receipts).enqueue({ orderId: '1' });
    expect(recording.jobs(Receipts)).toMatchObject([{ payload: { orderId: '1' } }]);
  });
});

describe('names that are known at start', () => {
  it('are asked of the handler, and injected by a provider of the application', async () => {
    const { id } = await module.get<Queue<{ to: string }, string>>(MAIL).enqueue({ to: 'ann' });
    await module.get(QueueWorker).runUntilEmpty();
    expect(await queues.find(id)).toMatchObject({ queue: 'mail-eu', output: 'mail-eu to ann' });
  });

  it('may come up while the worker runs', async () => {
    await module.get(QueueWorker).start();
    await module.get(TenantWork).begin('acme');
    await module.get(TenantWork).begin('umbrella');
    const outputs = 'select output from simple_queue.archive order by output';
    await eventually(async () =>
      expect((await database.query<{ output: string }>(outputs)).map((row) => row.output)).toEqual(
        expect.arrayContaining(['tenants.acme', 'tenants.umbrella']),
      ),
    );
    await module.get(QueueWorker).stop();
  });
});

describe('what is wrong is said clearly', () => {
  @Injectable()
  class Shop {
    constructor(@InjectQueue(Receipts, 'reports') readonly receipts: Queue) {}
  }

  it('a queue that nobody provides', async () => {
    await expect(started({ imports: [root()], providers: [Shop] })).rejects.toThrow(
      /SimpleQueueModule\.forFeature\(\[defineJob\({ queue: 'receipts', name: 'send' }\)\], 'reports'\)" at index \[0\]/,
    );
  });

  it('an instance that is not imported, or not global', async () => {
    const feature = SimpleQueueModule.forFeature(['audit'], 'reports');
    await expect(started({ imports: [root(), feature] })).rejects.toThrow(
      code(
        'MODULE_INVALID',
        /instance "reports"\. Import SimpleQueueModule\.forRoot\({ name: 'reports' }\)/,
      ),
    );
    const local = SimpleQueueModule.forRoot({ dataSource, worker: false, isGlobal: false });
    await expect(
      started({ imports: [local, SimpleQueueModule.forFeature(['audit'])] }),
    ).rejects.toThrow(code('MODULE_INVALID', /without isGlobal: false/));
  });

  it('two templates for one token', () => {
    const Twin = defineJob({ queue: 'receipts', name: 'send' });
    expect(() => SimpleQueueModule.forFeature([Receipts, Twin])).toThrow(
      code('MODULE_INVALID', /requested twice/),
    );
    expect(getQueueToken(defineJob({ queue: 'audit' }))).not.toBe(getQueueToken('audit'));
  });

  it('one target where a list of them is wanted', () => {
    expect(() => SimpleQueueModule.forFeature('audit' as never)).toThrow(
      code('MODULE_INVALID', /forFeature\(\['audit'\]\)/),
    );
    expect(() => SimpleQueueModule.forFeature(Receipts as never)).toThrow(
      code('MODULE_INVALID', /takes a list/),
    );
  });

  it.each([undefined, null, 5, '', 'two words', 'mail.*', {}])(
    '%p instead of a template or a name',
    (target) => {
      expect(() => InjectQueue(target as never)).toThrow(code('INVALID_NAME', /not a queue name/));
      expect(() => SimpleQueueModule.forFeature([target as never])).toThrow(
        code('INVALID_NAME', /not a queue name/),
      );
    },
  );
});
