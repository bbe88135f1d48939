import { Job, JobContext, QueueHandler, QueueService, type JobHandler } from 'nestjs-simple-queue';
import assert from 'node:assert/strict';
import { DataSource } from 'typeorm';
import { answers, database, queue, tryOut } from './trial.js';

interface Receipt {
  orderId: number;
}

@QueueHandler('receipts', { transactional: true })
class SendReceipt implements JobHandler<Receipt> {
  // Injected by its type: the library's class and the application's are one and the same.
  constructor(private readonly queues: QueueService) {}

  async process(job: Job<Receipt>, { manager }: JobContext): Promise<number> {
    assert(manager.queryRunner?.isTransactionActive, 'The handler has no transaction.');
    assert(this.queues instanceof QueueService, 'There are two copies of the library.');
    return job.payload.orderId;
  }
}

/** Enqueues in a transaction, and runs the job in one that completes it. */
export const runsReceipts = () =>
  tryOut({ imports: [database(), queue()], providers: [SendReceipt] }, async (app) => {
    const queues = app.get(QueueService);
    const { id } = await app
      .get(DataSource)
      .transaction((manager) => queues.enqueue('receipts', { orderId: 7 }, { manager }));
    await answers(app, id, 7);
  });
