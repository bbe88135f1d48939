import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService } from 'nestjs-simple-queue';
import { RecordingQueueService } from 'nestjs-simple-queue/testing';
import { QueueWorkflows, type AnyWorkflow } from 'nestjs-simple-queue/workflows';
import type { TestDatabase } from '../../../test/support/database.js';
import { aDatabase } from '../../../test/support/template.js';
import { shopDatabase } from '../shop.database.js';
import { anOrderForm } from '../shop.fixture.js';
import { OrdersService } from './orders.service.js';

// The service alone: the orders' tables are real, the queue only writes down what it is asked for.
let database: TestDatabase;
let module: TestingModule;
let queues: RecordingQueueService;
let orders: OrdersService;
let id = 0;
const started: string[] = [];
const start = ({ name }: AnyWorkflow, { uniqueKey }: { uniqueKey: string }) => {
  started.push(`${name} ${uniqueKey}`);
  return Promise.resolve({ id: randomUUID(), created: true });
};

beforeAll(async () => {
  database = await aDatabase();
  queues = new RecordingQueueService();
  module = await Test.createTestingModule({
    imports: [TypeOrmModule.forRoot(shopDatabase(database.url))],
    providers: [
      OrdersService,
      { provide: QueueService, useValue: queues },
      { provide: QueueWorkflows, useValue: { start } },
    ],
  }).compile();
  orders = module.get(OrdersService);
});

afterAll(async () => {
  await module.close();
  await database.drop();
});

beforeEach(() => {
  queues.clear();
});

const aNewOrder = () => anOrderForm({ id: `A-${++id}` });

it('enqueues a receipt, a reminder and a summary with an order, and starts its fulfilment', async () => {
  const form = aNewOrder();
  await orders.place(form);
  queues.expectEnqueued('receipts', { payload: { orderId: form.id } });
  queues.expectEnqueued('reminders', { payload: { orderId: form.id } });
  queues.expectEnqueued('summaries', { payload: { day: form.day } });
  expect(started).toContain(`fulfilment ${form.id}`);
});

it('enqueues nothing for an order that it knows', async () => {
  const form = aNewOrder();
  await orders.place(form);
  queues.clear();
  expect(await orders.place(form)).toMatchObject({ isNew: false, order: form });
  expect(queues.enqueued).toEqual([]);
});

it('refuses another order with a number that is taken', async () => {
  const form = aNewOrder();
  await orders.place(form);
  await expect(orders.place({ ...form, quantity: 3 })).rejects.toThrow(
    'is taken by another order (other quantity)',
  );
});

it('stores one order of two with the same number that come at the same moment', async () => {
  const form = aNewOrder();
  const placed = await Promise.all([orders.place(form), orders.place(form)]);
  expect(placed.map(({ isNew }) => isNew).sort()).toEqual([false, true]);
});
