import { Test } from '@nestjs/testing';
import { defineJob, QueueHandler, QueueService, type Job } from 'nestjs-simple-queue';
import {
  clear,
  drain,
  expectEnqueued,
  RecordingQueueService,
  runInline,
  runNext,
  SimpleQueueTestingModule,
} from 'nestjs-simple-queue/testing';
import assert from 'node:assert/strict';
import { DataSource } from 'typeorm';
import { database } from './trial.js';

const Bills = defineJob<{ cents: number }, string>()({ queue: 'bills' });

@QueueHandler(Bills)
class WriteBill {
  process({ payload }: Job<{ cents: number }>): string {
    return `${payload.cents} cents`;
  }
}

/** Nothing runs before the test says so, and then what is due runs: by one, all at once, or within the call or its commit. */
export const testsWithTheKit = async () => {
  await recordsWithoutADatabase();
  const builder = Test.createTestingModule({
    imports: [database(), SimpleQueueTestingModule.forRoot({ schema: 'kit' })],
    providers: [WriteBill],
  });
  const app = await (await builder.compile()).init();
  const queues = app.get(QueueService);
  await queues.enqueue(Bills, { cents: 1 });
  await queues.enqueue(Bills, { cents: 2 });
  await expectEnqueued(app, Bills, { payload: { cents: 2 } });
  assert.equal((await runNext(app, Bills)).outcome, 'succeeded');
  assert.equal((await drain(app, { timeoutMs: 50_000 })).succeeded, 1);
  const stop = runInline(app);
  const { id } = await app
    .get(DataSource)
    .transaction((manager) => queues.enqueue(Bills, { cents: 3 }, { manager }));
  assert.equal((await queues.find(id))?.output, '3 cents');
  stop();
  await clear(app);
  await app.close();
};

async function recordsWithoutADatabase(): Promise<void> {
  const queues = new RecordingQueueService();
  await queues.enqueue(Bills, { cents: 4 });
  queues.expectEnqueued(Bills, { payload: { cents: 4 } });
}
