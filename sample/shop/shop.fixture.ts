import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import type { TestDatabase } from '../../test/support/database.js';
import { aDatabase } from '../../test/support/template.js';
import type { OrderForm } from './orders/order-form.js';
import { ShopModule } from './shop.module.js';
import type { ShopSettings } from './shop.settings.js';

export function anOrderForm(change: Partial<OrderForm> = {}): OrderForm {
  return {
    id: 'A-1',
    day: '2025-03-01',
    customer: 'Ada Keller',
    email: 'ada.keller@example.com',
    item: 'grinder',
    quantity: 2,
    amount: '178.00',
    currency: 'EUR',
    webhook: null,
    ...change,
  };
}

export interface TestShop {
  app: NestExpressApplication;
  database: TestDatabase;
  ask(method: string, path: string, body?: unknown): Promise<Response>;
  close(): Promise<void>;
}

/** The whole shop on a database of its own. Its worker does not start by itself: `drain(app)` runs what is due. */
export async function aShop(): Promise<TestShop> {
  const database = await aDatabase();
  const settings = {
    databaseUrl: database.url,
    url: '',
    webhookSecret: 'secret',
    worker: { autoStart: false },
  };
  const module = await Test.createTestingModule({
    imports: [ShopModule.forRoot(settings)],
  }).compile();
  const app = module.createNestApplication<NestExpressApplication>({
    rawBody: true,
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  Object.assign(settings satisfies ShopSettings, { url });
  return {
    app,
    database,
    ask: (method, path, body) => fetch(url + path, requestOf(method, body)),
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}

function requestOf(method: string, body: unknown): RequestInit {
  return {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}
