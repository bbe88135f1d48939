import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Logger, type INestApplication } from '@nestjs/common';
import { QueueService } from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Order, Receipt } from './order.js';
import { OrdersService } from './orders.service.js';

const { DATABASE_URL, PORT } = process.env;
let database: TestDatabase;
let app: INestApplication;

beforeAll(async () => {
  database = await anEmptyDatabase();
  // The module reads its environment when it is loaded.
  Object.assign(process.env, { DATABASE_URL: database.url, PORT: '0' });
  Logger.overrideLogger(false);
  const { start } = await import('./main.js');
  app = await start();
});

afterAll(async () => {
  await app.close();
  await database.drop();
  restore('DATABASE_URL', DATABASE_URL);
  restore('PORT', PORT);
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

it('writes a receipt for a placed order, once', async () => {
  const id = await app
    .get(OrdersService)
    .place({ id: 'A-1', email: 'ann@example.com', amount: 12 });
  const job = await eventually(async () => {
    const found = await app.get(QueueService).find(id);
    expect(found?.state).toBe('succeeded');
    return found;
  });
  expect(job).toMatchObject({
    queue: 'receipts',
    payload: { orderId: 'A-1' },
    output: { length: 23 },
    attempt: 1,
  });
  const receipts = await app.get(DataSource).manager.find(Receipt);
  expect(receipts).toEqual([{ orderId: 'A-1', text: 'ann@example.com paid 12' }]);
});

it('leaves no job of an order that was refused', async () => {
  const orders = app.get(OrdersService);
  await orders.place({ id: 'A-2', email: 'bob@example.com', amount: 1 });
  await expect(orders.place({ id: 'A-2', email: 'bob@example.com', amount: 1 })).rejects.toThrow(
    'duplicate key',
  );
  const jobs = await database.query(
    `select 1 from simple_queue.jobs where payload ->> 'orderId' = 'A-2'`,
  );
  expect(jobs).toHaveLength(1);
  expect(await app.get(DataSource).manager.countBy(Order, { id: 'A-2' })).toBe(1);
});
