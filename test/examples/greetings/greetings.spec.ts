import { Test } from '@nestjs/testing';
import { QueueService, type Job } from 'nestjs-simple-queue';
import { RecordingQueueService } from 'nestjs-simple-queue/testing';
import { expect, it } from '@jest/globals';
import { GreetingsHandler, type Greeting } from './greetings.handler.js';
import { GreetingsService } from './greetings.service.js';

it('enqueues a greeting', async () => {
  const queues = new RecordingQueueService();
  const module = await Test.createTestingModule({
    providers: [GreetingsService, { provide: QueueService, useValue: queues }],
  }).compile();
  await module.get(GreetingsService).greet('Ann');
  queues.expectEnqueued('greetings', { payload: { name: 'Ann' } });
});

it('says hello', () => {
  const job = { payload: { name: 'Ann' } } as Job<Greeting>;
  expect(new GreetingsHandler().process(job)).toBe('Hello Ann!');
});
