import { afterAll, beforeAll, expect, it } from '@jest/globals';
// #region drain
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { drain, SimpleQueueTestingModule } from 'nestjs-simple-queue/testing';
import { DataSource } from 'typeorm';
import { Order, Receipt } from './order.js';
import { OrdersService } from './orders.service.js';
import { WriteReceipt } from './write-receipt.handler.js';
// #endregion
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await aDatabase();
  process.env.TEST_DATABASE_URL = database.url;
});

// #region drain

let app: TestingModule;

beforeAll(async () => {
  app = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: process.env.TEST_DATABASE_URL!,
        entities: [Order, Receipt],
        synchronize: true,
      }),
      SimpleQueueTestingModule.forRoot({ schema: `queue_test_${process.env.JEST_WORKER_ID}` }),
    ],
    providers: [OrdersService, WriteReceipt],
  }).compile();
  await app.init();
});

afterAll(() => app.close());

it('writes the receipt of an order', async () => {
  await app.get(OrdersService).place({ id: 'A-1', email: 'ann@example.com', amount: 12 });
  expect(await drain(app)).toMatchObject({ succeeded: 1, failed: 0 });
  expect(await app.get(DataSource).manager.findBy(Receipt, { orderId: 'A-1' })).toHaveLength(1);
});
// #endregion

afterAll(() => database.drop());
