import { Job, JobContext, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import { Order, Receipt } from './order.js';

@QueueHandler('receipts', { transactional: true, maxAttempts: 5 })
export class WriteReceipt implements JobHandler<{ orderId: string }, { length: number }> {
  async process(job: Job<{ orderId: string }>, { manager }: JobContext) {
    const order = await manager.findOneByOrFail(Order, { id: job.payload.orderId });
    const text = `${order.email} paid ${order.amount}`;
    await manager.insert(Receipt, { orderId: order.id, text });
    return { length: text.length };
  }
}
