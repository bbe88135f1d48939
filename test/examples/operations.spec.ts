import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { JobResult } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { untilJobIs } from '../support/story.js';
import { LookingService } from './looking.service.js';
import { OperationsService } from './operations.service.js';

let database: TestDatabase;
let application: TestApplication;
let operations: OperationsService;
let isAway = true;

beforeAll(async () => {
  database = await aDatabase();
  const mail = aHandler('mail', () => (isAway ? JobResult.unprocessable('away') : 'sent'));
  const smtp = aHandler('smtp', () => (isAway ? JobResult.fail('away') : 'sent'), {
    maxAttempts: 1,
  });
  application = await anApplication(database, {
    options: PATIENT,
    providers: [OperationsService, LookingService, mail, smtp],
  });
  operations = application.app.get(OperationsService);
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('has one act of two in the audit', async () => {
  await operations.reopenMail({ email: 'ada@example.com' });
  const [act] = await application.app.get(QueueAdmin).audit();
  expect(act).toMatchObject({ actor: 'ada@example.com', action: 'reopen' });
});

it('lists dead letters, runs one again, and redrives what an outage has left', async () => {
  const [first, second] = [
    await application.queues.enqueue('mail', {}),
    await application.queues.enqueue('mail', {}, { uniqueKey: 'k' }),
  ];
  for (const { id } of [first, second]) await untilJobIs('unprocessable', application, id);
  const listed = [];
  for await (const job of operations.deadLetters('mail')) listed.push(job.id);
  expect(listed.toSorted()).toEqual([first.id, second.id].toSorted());

  isAway = false;
  expect(await operations.again(first.id)).toBe('It runs again.');
  await untilJobIs('succeeded', application, first.id);
  const later = await application.queues.enqueue(
    'mail',
    {},
    { uniqueKey: 'k', delayMs: 3_600_000 },
  );
  expect(await operations.again(second.id)).toContain('A newer job does the same');
  expect(await operations.again(later.id)).toContain('as soon as a worker is free');
  const [from, to] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
  expect(await operations.afterOutage(from, to)).toEqual({ revived: 0, keyTaken: 0, gone: 0 });
});

it('pauses a queue for a while, finds complaints, and explains', async () => {
  await operations.whilePaused('smtp', async () => {
    const { id } = await application.queues.enqueue('smtp', {}, { delayMs: 3_600_000 });
    expect(await operations.whyNot(id)).toMatchObject({
      reasons: [{ code: 'QUEUE_PAUSED' }, { code: 'NOT_DUE' }],
    });
  });
  await application.queues.enqueue('strangers', {});
  expect(await operations.complaints()).toEqual(['strangers : no worker']);
  expect(await operations.whyNot(randomUUID())).toMatchObject({ reasons: [{ code: 'UNKNOWN' }] });
});

it('compares an hour with that of yesterday', async () => {
  const looking = application.app.get(LookingService);
  // An hour in which nothing ran: of this one, workers write down once a minute what they have counted.
  expect(await looking.slowdown(new Date('2026-01-02'))).toBe('run p95: 0 ms, yesterday 0 ms');
  expect(await looking.redriveFault('NoSuchFault')).toBe(0);
});
