import { Logger } from '@nestjs/common';
import { JobContext, Job, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import type { OrderJob } from '../jobs.js';
import { Order } from '../orders/order.js';

/** Two days after the order. A cancelled order's reminder never gets here: it was cancelled in the same transaction. */
@QueueHandler('reminders', { transactional: true, concurrency: 2 })
export class SendReminder implements JobHandler<OrderJob, void> {
  private readonly logger = new Logger('Reminders');

  async process(job: Job<OrderJob>, context: JobContext): Promise<void> {
    const { orderId } = job.payload;
    await context.manager.update(
      Order,
      { id: orderId, state: 'placed' },
      { remindedAt: () => 'now()' },
    );
    // A mail server takes part in no transaction: a mail sent here would be sent at least once.
    this.logger.log(`Order ${orderId} waits to be picked up.`);
  }
}
