import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { INestApplication } from '@nestjs/common';
import { SimpleQueueModule } from 'nestjs-simple-queue';
import { SimpleQueueDashboardModule } from 'nestjs-simple-queue/dashboard';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { BasicGuard, dashboard, Sessions } from './dashboard.js';

let database: TestDatabase;
let app: INestApplication;
let url: string;

beforeAll(async () => {
  process.env.QUEUES_PASSWORD = 'correct horse';
  database = await aDatabase();
  Logger.overrideLogger(false);
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 }),
      SimpleQueueModule.forRoot({ worker: false }),
      dashboard(),
      SimpleQueueDashboardModule.forRoot({ guards: [BasicGuard], access: () => 'all' }),
    ],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(async () => {
  delete process.env.QUEUES_PASSWORD;
  await app.close();
  await database.drop();
});

it('shows itself to who has a session, and lets operators act', async () => {
  app.get(Sessions, { strict: false }).open('s=1', { email: 'ada@example.com', isOperator: true });
  app.get(Sessions, { strict: false }).open('s=2', { email: 'bob@example.com', isOperator: false });
  const may = async (cookie: string): Promise<unknown> => {
    const answer = await fetch(`${url}/admin/queues/api/me`, { headers: { cookie } });
    return answer.status === 200 ? ((await answer.json()) as { may: string[] }).may : answer.status;
  };
  expect(await may('s=1')).toContain('purge');
  expect(await may('s=2')).toEqual([]);
  expect(await may('s=3')).toBe(401);
});

it('asks for a name and a password', async () => {
  const get = (password?: string) =>
    fetch(`${url}/queues`, {
      headers: password ? { authorization: `Basic ${btoa(`admin:${password}`)}` } : {},
    });
  expect((await get('correct horse')).status).toBe(200);
  expect((await get('wrong')).status).toBe(401);
  expect((await get()).headers.get('www-authenticate')).toContain('Basic');
});
