import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService } from 'nestjs-simple-queue';
import {
  advanceTime,
  clear,
  crashBeforeSettle,
  expectEnqueued,
  queueMatchers,
  runInline,
  runNext,
  SimpleQueueTestingModule,
} from 'nestjs-simple-queue/testing';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { ChargeCard } from './charge-card.handler.js';
import { Invitations } from './letter.jobs.js';
import { Order, Receipt } from './order.js';
import { OrdersService } from './orders.service.js';
import { RemindersService } from './reminders.service.js';
import { WriteReceipt } from './write-receipt.handler.js';

let database: TestDatabase;
let app: TestingModule;
let queues: QueueService;
let orders: OrdersService;

beforeAll(async () => {
  database = await aDatabase();
  const { url } = database;
  app = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url,
        entities: [Order, Receipt],
        synchronize: true,
      }),
      SimpleQueueTestingModule.forRoot(),
    ],
    providers: [OrdersService, RemindersService, WriteReceipt, ChargeCard],
  }).compile();
  app.useLogger(false);
  await app.init();
  queues = app.get(QueueService);
  orders = app.get(OrdersService);
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const receipts = () => app.get(DataSource).manager.find(Receipt);
const order = (id: string): Order => ({ id, email: 'ann@example.com', amount: 12 });

// #region clear
afterEach(() => clear(app));
// #endregion

afterEach(() => app.get(DataSource).manager.clear(Receipt));

// #region next
it('returns the length of the receipt', async () => {
  await orders.place(order('A-1'));
  expect(await runNext(app, 'receipts')).toMatchObject({
    outcome: 'succeeded',
    attempt: 1,
    output: { length: 23 },
  });
});

it('tries again after five seconds where the order cannot be found', async () => {
  const { id } = await queues.enqueue('receipts', { orderId: 'unknown' });
  expect(await runNext(app)).toMatchObject({
    id,
    outcome: 'retried',
    error: { name: 'EntityNotFoundError' },
  });
  await advanceTime(app, 5_000);
  expect(await runNext(app)).toMatchObject({ id, outcome: 'retried', attempt: 2 });
});
// #endregion

// #region expect
expect.extend(queueMatchers);

it('reminds of an order in two days, once', async () => {
  await app.get(RemindersService).remind('A-1');
  await app.get(RemindersService).remind('A-1');
  await expect(app).toHaveEnqueued('reminders', {
    payload: { orderId: 'A-1' },
    delayMs: 172_800_000,
  });
  await expect(app).toHaveEnqueuedTimes('reminders', 1);
  await expect(app).not.toHaveEnqueued('receipts');
});

it('invites by letter', async () => {
  await queues.enqueue(Invitations, {
    to: 'ann@example.com',
    party: 'P-1',
    at: '2030-01-01T20:00:00Z',
  });
  const job = await expectEnqueued(app, Invitations, { payload: { party: 'P-1' }, maxAttempts: 5 });
  expect(job.payload.to).toBe('ann@example.com');
});
// #endregion

// #region inline
it('has written the receipt when the order is placed', async () => {
  const stop = runInline(app);
  await orders.place(order('A-2'));
  expect(await receipts()).toMatchObject([{ orderId: 'A-2' }]);
  stop();
});
// #endregion

// #region faults
it('charges under one key, and writes one receipt, though the worker died after the charge', async () => {
  const { id } = await queues.enqueue('charges', { orderId: 'A-3' });
  await crashBeforeSettle(app);
  expect(await receipts()).toEqual([]);
  expect(await runNext(app)).toMatchObject({ id, outcome: 'succeeded' });
  expect(await receipts()).toEqual([{ orderId: 'A-3', text: `charged once as ${id}` }]);
});
// #endregion
