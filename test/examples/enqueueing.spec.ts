import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { Order } from './order.js';
import { RemindersService } from './reminders.service.js';
import { repeatOnConflict } from './repeat-on-conflict.js';

let database: TestDatabase;
let application: TestApplication;
let reminders: RemindersService;

beforeAll(async () => {
  database = await aDatabase();
  application = await anApplication(database, {
    options: { ...PATIENT, worker: false },
    providers: [RemindersService],
    typeorm: { entities: [Order], synchronize: true },
  });
  reminders = application.app.get(RemindersService);
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('reminds once of an order, and answers with the job that waits', async () => {
  const first = await reminders.remind('A-1');
  expect(await reminders.remind('A-1')).toEqual({ id: first.id, isNew: false });
  expect(await application.queues.find(first.id)).toMatchObject({
    state: 'scheduled',
    fingerprint: 'order:A-1',
  });
});

it('leaves out of a batch what is there already', async () => {
  await reminders.remind('B-1');
  expect(await reminders.remindAll(['B-1', 'B-2', 'B-3'])).toBe(2);
});

it('cancels the jobs of an order with the order', async () => {
  await application.dataSource.manager.insert(Order, {
    id: 'C-1',
    email: 'cat@example.com',
    amount: 3,
  });
  const { id } = await reminders.remind('C-1');
  expect(await reminders.cancelOrder('C-1')).toEqual({ cancelled: 1, requested: 0 });
  expect(await application.queues.find(id)).toMatchObject({ state: 'cancelled' });
});

it('knows a repeated request by its id', async () => {
  const requestId = randomUUID();
  expect(await reminders.export(requestId, 'sales')).toBe(true);
  expect(await reminders.export(requestId, 'sales')).toBe(false);
});

it('stores what one job says of itself', async () => {
  await reminders.notify('https://example.com/hook', 'acme');
  const [job] = await database.query(
    `select priority, options from simple_queue.jobs where queue = 'webhooks'`,
  );
  expect(job).toMatchObject({
    priority: -10,
    options: { headers: { tenant: 'acme' }, maxAttempts: 8, timeoutMs: 10_000 },
  });
});

it('repeats a transaction that met a key taken after its snapshot', async () => {
  let tries = 0;
  const answer = await repeatOnConflict(application.dataSource, async (manager) => {
    await manager.count(Order);
    if (++tries === 1) await reminders.remind('D-1');
    return reminders.remind('D-1', manager);
  });
  expect(tries).toBe(2);
  expect(answer.isNew).toBe(false);
});
