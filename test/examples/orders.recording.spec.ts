import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { QueueService } from 'nestjs-simple-queue';
import { RecordingQueueService } from 'nestjs-simple-queue/testing';
import { DataSource } from 'typeorm';
import { RemindersService } from './reminders.service.js';

const queues = new RecordingQueueService();
let reminders: RemindersService;

beforeEach(async () => {
  const module = await Test.createTestingModule({
    providers: [
      RemindersService,
      { provide: QueueService, useValue: queues },
      { provide: DataSource, useValue: {} },
    ],
  }).compile();
  reminders = module.get(RemindersService);
});

afterEach(() => queues.clear());

it('enqueues a reminder for in two days', async () => {
  await reminders.remind('A-1');
  const job = queues.expectEnqueued('reminders', { payload: { orderId: 'A-1' } });
  expect(job.options).toMatchObject({ delayMs: 172_800_000 });
});

it('enqueues one reminder, however often it is asked', async () => {
  await reminders.remind('A-1');
  await reminders.remind('A-1');
  expect(queues.jobs('reminders')).toHaveLength(1);
});
