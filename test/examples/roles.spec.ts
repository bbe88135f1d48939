import type { DynamicModule, Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  getToken,
  QueueHandler,
  QueueService,
  QueueWorker,
  SimpleQueueModule,
} from 'nestjs-simple-queue';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { byRole, MonthEnd, reporting, twoDatabases, Warehouse } from './roles.js';

let shop: TestDatabase;
let reports: TestDatabase;
const open: TestingModule[] = [];

beforeAll(async () => {
  [shop, reports] = await Promise.all([anEmptyDatabase(), anEmptyDatabase()]);
});
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
  delete process.env.ROLE;
});
afterAll(() => Promise.all([shop.drop(), reports.drop()]));

@QueueHandler('mail.*')
class SendMail {
  process = (): string => 'sent';
}

@QueueHandler('invoices')
class WriteInvoice {
  process = (): string => 'written';
}

async function started(imports: DynamicModule[], providers: Provider[]): Promise<TestingModule> {
  const app = await Test.createTestingModule({ imports, providers }).compile();
  app.useLogger(false);
  open.push(app);
  return app.init();
}

const inShop = (queue: DynamicModule, providers: Provider[] = [SendMail, WriteInvoice]) =>
  started(
    [TypeOrmModule.forRoot({ type: 'postgres', url: shop.url, retryAttempts: 0 }), queue],
    providers,
  );

it('one code base is API, worker or mail worker, by its environment', async () => {
  const api = await inShop(byRole());
  expect(api.get(QueueWorker).isRunning).toBe(false);
  await expect(api.get(QueueWorker).start()).rejects.toMatchObject({ code: 'WORKER_DISABLED' });
  const queues = api.get(QueueService);
  const mail = await queues.enqueue('mail.news', {});
  const invoice = await queues.enqueue('invoices', {});

  process.env.ROLE = 'mail-worker';
  await inShop(byRole());
  expect(await queues.wait(mail.id)).toMatchObject({ state: 'succeeded', output: 'sent' });
  expect(await queues.find(invoice.id)).toMatchObject({ state: 'ready' });

  process.env.ROLE = 'worker';
  await inShop(byRole());
  expect(await queues.wait(invoice.id)).toMatchObject({ state: 'succeeded', output: 'written' });
});

it('stops the start of a role that nobody knows', async () => {
  process.env.ROLE = 'wroker';
  await expect(inShop(byRole())).rejects.toThrow(
    'ROLE is "wroker". Use one of: api, worker, mail-worker.',
  );
});

it('starts when the application says so, and again after a stop', async () => {
  const app = await inShop(SimpleQueueModule.forRoot({ worker: { autoStart: false } }), [
    WriteInvoice,
    Warehouse,
  ]);
  const worker = app.get(QueueWorker);
  expect([worker.isRunning, app.get(Warehouse).prices.size]).toEqual([true, 1]);

  await worker.stop();
  const { id } = await app.get(QueueService).enqueue('invoices', {});
  expect([worker.isRunning, (await app.get(QueueService).find(id))?.state]).toEqual([
    false,
    'ready',
  ]);

  await worker.start();
  expect(await app.get(QueueService).wait(id)).toMatchObject({ state: 'succeeded' });
});

it('works two databases in one application', async () => {
  const app = await started(twoDatabases(shop.url, reports.url), [WriteInvoice, ...reporting]);
  const id = await app.get(MonthEnd).close('May');
  const there = app.get<QueueService>(getToken(QueueService, 'reports'));
  expect(await there.wait(id)).toMatchObject({ state: 'succeeded', output: 'summary of May' });
  expect(await app.get(QueueService).find(id)).toBeUndefined();
  expect(await shop.query('select name from simple_queue.queue order by name')).not.toContainEqual({
    name: 'summaries',
  });
});

it('closes twice without harm', async () => {
  const app = await inShop(byRole());
  await Promise.all([app.close(), app.close()]);
  await expect(app.get(QueueService).enqueue('invoices', {})).rejects.toMatchObject({
    code: 'CLOSED',
  });
});
