// What must and must not compile of the test kit: checked by `npm run types`, never run.
import { expect } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import { defineJob, type FoundJob } from '../../lib/index.js';
import {
  expectEnqueued,
  runNext,
  SimpleQueueTestingModule,
  type RanJob,
  type RecordingQueueService,
} from '../../lib/testing/testing.js';

const Receipts = defineJob({
  queue: 'receipts',
  payload: z.object({ orderId: z.number(), lines: z.array(z.string()).optional() }),
  output: z.object({ sentAt: z.iso.datetime().transform((text) => new Date(text)) }),
});

export async function use(
  app: INestApplicationContext,
  recording: RecordingQueueService,
): Promise<void> {
  expectTypeOf(await runNext(app)).toEqualTypeOf<RanJob>();
  expectTypeOf(await runNext(app, 'receipts', { timeoutMs: 5 })).toEqualTypeOf<RanJob>();
  expectTypeOf(await runNext(app, Receipts)).toEqualTypeOf<RanJob<{ sentAt: Date }>>();
  expectTypeOf(
    await expectEnqueued(app, Receipts, { payload: { orderId: 5 }, delayMs: 5 }),
  ).toEqualTypeOf<FoundJob<{ orderId: number; lines?: string[] }, { sentAt: Date }>>();
  expectTypeOf(
    (await expectEnqueued(recording, 'receipts', { payload: 'anything' })).payload,
  ).toEqualTypeOf<unknown>();
  await expect(app).toHaveEnqueued(Receipts, { payload: { lines: ['pen'] } });
  await expect(app).not.toHaveEnqueuedTimes(Receipts, 2, { priority: 1 }, { instance: 'second' });
  recording.expectEnqueued(Receipts, { payload: { orderId: 5 } });

  // @ts-expect-error another payload than the template's
  await expectEnqueued(app, Receipts, { payload: { orderId: '5' } });
  // @ts-expect-error no such property of a payload
  await expect(app).toHaveEnqueued(Receipts, { payload: { order: 5 } });
  // @ts-expect-error what the job carries is its payload
  await expect(app).toHaveEnqueued(Receipts, { orderId: 5 });
  // @ts-expect-error another payload in a recording
  recording.expectEnqueued(Receipts, { payload: { orderId: '5' } });
  // A matcher that is not awaited says nothing, so that the linter has to find it.
  expectTypeOf(expect(app).toHaveEnqueued(Receipts)).toEqualTypeOf<Promise<void>>();
}

SimpleQueueTestingModule.forRoot({ name: 'second', schema: 'second', concurrency: 5 });
SimpleQueueTestingModule.forRootAsync({
  useFactory: () => ({ concurrency: 5 }),
  dataSource: 'second',
});
void SimpleQueueTestingModule.override(Test.createTestingModule({ imports: [] })).compile();
// @ts-expect-error no such option
SimpleQueueTestingModule.forRoot({ concurency: 5 });
