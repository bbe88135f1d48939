import { JobContext, Job, JobResult, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import type { OrderJob, WebhookJob } from '../jobs.js';
import { Order } from '../orders/order.js';
import { Product } from '../orders/product.js';
import { Receipt } from './receipt.js';
import { drawReceipt } from './receipt-pdf.js';

interface Written {
  bytes: number;
}

/**
 * `transactional: true`: the receipt, the webhook job and the completion of this job commit together. A crash at any moment leaves
 * either all of them or none, so every order gets exactly one receipt, however often the process dies.
 *
 * Each such job holds a connection of the DataSource's pool while it runs: keep the concurrency of all of them at half the pool at
 * most, and the work short. For long work do that first, and then write and `context.complete(output, { manager })` in a short
 * transaction of your own.
 */
@QueueHandler('receipts', { transactional: true, concurrency: 5 })
export class WriteReceipt implements JobHandler<OrderJob, Written> {
  async process(job: Job<OrderJob>, context: JobContext): Promise<Written | JobResult<never>> {
    const { manager } = context;
    const order = await manager.findOneByOrFail(Order, { id: job.payload.orderId });
    if (order.state !== 'placed') return JobResult.cancel('its order was cancelled first');
    const product = await manager.findOneByOrFail(Product, { sku: order.item });
    const pdf = await drawReceipt(order, product);
    await manager.insert(Receipt, { orderId: order.id, pdf });
    if (order.webhook)
      await context.enqueue('webhooks', {
        orderId: order.id,
        url: order.webhook,
      } satisfies WebhookJob);
    return { bytes: pdf.length };
  }
}
