import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { defineJob, QueueService } from '../../lib/index.js';
import {
  drain,
  expectEnqueued,
  queueMatchers,
  RecordingQueueService,
  SimpleQueueTestingModule,
  type JobSource,
} from '../../lib/testing/testing.js';
import { aHandler } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { UNHURRIED } from '../support/unhurried.js';

expect.extend(queueMatchers);

interface Receipt {
  orderId: string;
  lines?: { sku: string; count: number }[];
  due?: Date;
}
const Receipts = defineJob<Receipt>()({ queue: 'receipts', name: 'send' });
const DUE = new Date(Date.UTC(2030, 0));

let database: TestDatabase;
let app: TestingModule;

beforeAll(async () => {
  database = await aDatabase();
  app = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 }),
      SimpleQueueTestingModule.forRoot(),
    ],
    providers: [aHandler('mail', () => undefined)],
  }).compile();
  app.useLogger(false);
  await app.init();
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const sources: [
  string,
  () => { source: JobSource; queues: Pick<QueueService, 'enqueue' | 'cancel'> },
][] = [
  ['the tables', () => ({ source: app, queues: app.get(QueueService) })],
  [
    'a recording',
    () => {
      const recording = new RecordingQueueService();
      return { source: recording, queues: recording };
    },
  ],
];

describe.each(sources)('what was enqueued, in %s', (_, open) => {
  let source: JobSource;

  beforeAll(async () => {
    const { queues, ...opened } = open();
    ({ source } = opened);
    await queues.enqueue(
      Receipts,
      { orderId: 'A-1', lines: [{ sku: 'pen', count: 2 }], due: DUE },
      { delayMs: 5_000, labels: ['b', 'a'] },
    );
    await queues.enqueue(
      'mail',
      { to: 'ann' },
      { uniqueKey: 'ann', group: 'people', headers: { tenant: 'x' }, maxAttempts: 7 },
    );
    await queues.enqueue('mail', { to: 'bob' });
    await queues.enqueue('mail', { to: 'eve' }, { fingerprint: 'spam' });
    await queues.cancel({ fingerprint: 'spam' });
  });

  it('is found by template and by queue, by a part of its payload, and by what else was said of it', async () => {
    await expect(source).toHaveEnqueued(Receipts);
    await expect(source).toHaveEnqueued(Receipts, {
      payload: { orderId: 'A-1', due: DUE },
      delayMs: 5_000,
      state: 'scheduled',
    });
    await expect(source).toHaveEnqueued('receipts', { name: 'send', labels: ['b', 'a'] });
    await expect(source).toHaveEnqueued('mail', {
      uniqueKey: 'ann',
      group: 'people',
      headers: { tenant: 'x' },
      maxAttempts: 7,
    });
    await expect(source).toHaveEnqueued('mail', { payload: { to: expect.stringMatching(/^b/) } });
    await expect(source).toHaveEnqueuedTimes('mail', 2);
    await expect(source).not.toHaveEnqueued('mail', { payload: { to: 'ann' }, maxAttempts: 3 });
    await expect(source).not.toHaveEnqueued(Receipts, { payload: { lines: [] } });
    await expect(source).not.toHaveEnqueued(defineJob({ queue: 'receipts', name: 'other' }));
    expect(
      (await expectEnqueued(source, Receipts, { payload: { orderId: 'A-1' } })).payload.orderId,
    ).toBe('A-1');
  });

  it('is compared with matchers in lists too, and in place of lists', async () => {
    const lines = [{ sku: expect.any(String), count: 2 }];
    await expect(source).toHaveEnqueued(Receipts, { payload: { lines } });
    await expect(source).toHaveEnqueued(Receipts, { labels: expect.arrayContaining(['a']) });
    await expect(source).toHaveEnqueued(Receipts, { labels: ['a', expect.stringMatching('b')] });
    await expect(source).not.toHaveEnqueued(Receipts, {
      payload: { lines: [{ sku: expect.any(Number), count: 2 }] },
    });
    await expect(source).not.toHaveEnqueued(Receipts, {
      payload: { lines: [{ sku: expect.any(String) }] as never },
    });
    await expect(source).not.toHaveEnqueued(Receipts, { payload: { lines: [...lines, ...lines] } });
  });

  it('leaves out what was cancelled, unless it is asked for', async () => {
    await expect(source).not.toHaveEnqueued('mail', { payload: { to: 'eve' } });
    await expect(source).toHaveEnqueued('mail', { state: 'cancelled' });
  });

  it('is listed where it is not as expected', async () => {
    const enqueued =
      /\. Enqueued:\n {2}receipts\/send \{.*"orderId":"A-1".*\(scheduled\)\n {2}mail \{"to":"ann"\} \(ready\)\n/;
    const missing = expect(source).toHaveEnqueued('mail', { payload: { to: 'joe' } });
    await expect(missing).rejects.toThrow('Expected a job in "mail" with {"payload":{"to":"joe"}}');
    await expect(expectEnqueued(source, 'mail', { priority: 3 })).rejects.toThrow(enqueued);
    await expect(expect(source).not.toHaveEnqueued('mail')).rejects.toThrow(
      'Expected no job in "mail" with {}, and found 2. Enqueued:',
    );
    await expect(expect(source).toHaveEnqueuedTimes(Receipts, 2)).rejects.toThrow(
      'Expected 2 jobs in "receipts/send" with {}, and found 1',
    );
    await expect(expect(source).not.toHaveEnqueuedTimes('mail', 2)).rejects.toThrow(
      'Expected other than 2 jobs in "mail"',
    );
  });

  it('is not looked for under wrong names: such a test could not fail, or never pass', async () => {
    const typo = expect(source).not.toHaveEnqueued('mail', { paylod: {} } as never);
    await expect(typo).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/mean "payload"/),
    });
    await expect(expect(source).toHaveEnqueued('no queue!')).rejects.toMatchObject({
      code: 'INVALID_NAME',
    });
    await expect(expectEnqueued(source, 'mail', 5 as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    await expect(expect(source).toHaveEnqueuedTimes('mail', -1)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

it('finds jobs that have ended since', async () => {
  expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 2 });
  await expect(app).toHaveEnqueued('mail', { state: 'succeeded', payload: { to: 'ann' } });
});

it('refuses what is neither an application nor a recording, and one without the module', async () => {
  await expect(expect(5).toHaveEnqueued('mail')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  const bare = await Test.createTestingModule({}).compile();
  await expect(expectEnqueued(bare, 'mail')).rejects.toThrow(/Import SimpleQueueTestingModule/);
});
