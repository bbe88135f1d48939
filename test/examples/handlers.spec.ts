import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constant, type EnqueueOptions, type FoundJob } from 'nestjs-simple-queue';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { AlarmsService } from './alarms.service.js';
import { ChargeCard } from './charge-card.handler.js';
import { ConvertVideo } from './convert-video.handler.js';
import { CopyAccounts } from './copy-accounts.handler.js';
import { DeliverWebhook } from './deliver-webhook.handler.js';
import { ImportCatalogue } from './import-catalogue.handler.js';
import { Letters } from './letters.handler.js';
import { SendMail, SendUrgentMail } from './mail.handlers.js';
import { Receipt } from './order.js';
import { StoreReadings } from './store-readings.handler.js';

const FURTHER = [CopyAccounts, ImportCatalogue, SendMail, SendUrgentMail, StoreReadings];

let database: TestDatabase;
let application: TestApplication;
let customer: Server;
let customerUrl: string;
let answers: number[] = [];

beforeAll(async () => {
  customer = createServer((_, response) => response.writeHead(answers.shift() ?? 200).end()).listen(
    0,
    '127.0.0.1',
  );
  database = await aDatabase();
  application = await anApplication(database, {
    options: { ...PATIENT, backoff: constant({ delayMs: 10 }) },
    providers: [AlarmsService, ChargeCard, ConvertVideo, DeliverWebhook, Letters, ...FURTHER],
    typeorm: { entities: [Receipt], synchronize: true },
  });
  customerUrl = `http://127.0.0.1:${(customer.address() as AddressInfo).port}/`;
});

afterAll(async () => {
  await application.close();
  await database.drop();
  customer.close();
});

async function ended(
  queue: string,
  payload: unknown,
  options: EnqueueOptions = {},
): Promise<FoundJob> {
  const { id } = await application.queues.enqueue(queue, payload, options);
  return eventually(async () => {
    const job = (await application.queues.find(id))!;
    expect(['scheduled', 'ready', 'running']).not.toContain(job.state);
    return job;
  });
}

it.each([
  ['delivers', [204], { state: 'succeeded', output: { status: 204 }, attempt: 1 }],
  ['tries again after a failure', [500, 200], { state: 'succeeded', attempt: 2 }],
  [
    'waits for a busy server without spending an attempt',
    [503, 200],
    { state: 'succeeded', attempt: 1, reschedules: 1 },
  ],
  ['gives up at once on one that is gone', [410], { state: 'unprocessable', attempt: 1 }],
])('%s', async (_, given, outcome) => {
  answers = [...given];
  expect(await ended('webhooks', { url: customerUrl })).toMatchObject(outcome);
});

it('tells who listens how a job failed', async () => {
  answers = [410];
  const { id } = await ended('webhooks', { url: customerUrl });
  const message = `webhooks ${id} ended as unprocessable: ${customerUrl} is gone for good.`;
  await eventually(() => expect(application.app.get(AlarmsService).raised).toContain(message));
});

it.each([
  ['welcome', { state: 'succeeded', output: { sent: 'Welcome, Ann!' } }],
  ['goodbye', { state: 'cancelled', lastError: { message: 'nobody says goodbye any more' } }],
  ['condolence', { state: 'succeeded', output: { sent: 'Dear Ann' } }],
  ['', { state: 'succeeded', output: { sent: 'Dear Ann' } }],
])('takes the letters named "%s"', async (name, outcome) => {
  expect(await ended('letters', { to: 'Ann' }, { name })).toMatchObject(outcome);
});

it('converts more videos than there are licences', async () => {
  const files = ['a', 'b', 'c', 'd', 'e'];
  const jobs = await Promise.all(files.map((file) => ended('videos', { file })));
  expect(jobs.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual(
    files.map(() => 'succeeded 1'),
  );
});

it('completes in a short transaction after the slow part', async () => {
  const job = await ended('charges', { orderId: 'A-1' });
  expect(job).toMatchObject({ state: 'succeeded', output: { text: `charged once as ${job.id}` } });
  expect(await application.dataSource.manager.find(Receipt)).toMatchObject([{ orderId: 'A-1' }]);
});

it('goes on from its checkpoint, with the attempts that it has earned', async () => {
  const job = await ended('imports', { shop: 'Books' });
  expect(job).toMatchObject({ state: 'succeeded', output: { pages: 5 }, checkpoint: { page: 6 } });
  expect(application.app.get(ImportCatalogue).fetched).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5]);
  expect(job.attempt).toBe(5);
});

it('copies each row once, however often it starts again', async () => {
  await database.query('create table copied (n int)');
  expect(await ended('copies', { upTo: 500 })).toMatchObject({ state: 'succeeded', attempt: 2 });
  const [copied] = await database.query(
    'select count(*)::int as rows, count(distinct n)::int as different from copied',
  );
  expect(copied).toEqual({ rows: 500, different: 500 });
});

it('stores readings in batches, and refuses a bad one by itself', async () => {
  await database.query('create table reading (sensor text, value float8)');
  const payloads = [{ sensor: 'a', value: 1 }, { sensor: 'b' }, { sensor: 'c', value: 3 }];
  const jobs = await Promise.all(payloads.map((payload) => ended('readings', payload)));
  expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'unprocessable', 'succeeded']);
  expect(await database.query('select sensor from reading order by sensor')).toEqual([
    { sensor: 'a' },
    { sensor: 'c' },
  ]);
});

it('sends the mail of every queue, the urgent one by a handler of its own', async () => {
  const jobs = await Promise.all(
    ['mail.new-customer', 'mail.urgent'].map((queue) => ended(queue, { to: 'Ann' })),
  );
  expect(jobs.map(({ output }) => output)).toEqual([
    'mail.new-customer: sent to Ann',
    'at once to Ann',
  ]);
});
