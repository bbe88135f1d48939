import { Injectable } from '@nestjs/common';
import {
  defineJob,
  InjectQueue,
  QueueHandler,
  SimpleQueueModule,
  type Job,
  type QueueOf,
} from 'nestjs-simple-queue';
import assert from 'node:assert/strict';
import { database, queue, tryOut } from './trial.js';

const Labels = defineJob<{ to: string }, string>()({ queue: 'labels' });

@Injectable()
class Shipping {
  constructor(@InjectQueue(Labels) readonly labels: QueueOf<typeof Labels>) {}
}

@QueueHandler(Labels)
class PrintLabel {
  process({ payload }: Job<{ to: string }>): string {
    return `to ${payload.to}`;
  }
}

/** A queue of one template is injected, and waits for its job. */
export const injectsQueues = () =>
  tryOut(
    {
      imports: [database(), queue(), SimpleQueueModule.forFeature([Labels])],
      providers: [Shipping, PrintLabel],
    },
    async (app) => {
      const end = await app
        .get(Shipping)
        .labels.enqueueAndWait({ to: 'Ann' }, { timeoutMs: 50_000 });
      assert.equal(end.state === 'succeeded' && end.output, 'to Ann');
    },
  );
