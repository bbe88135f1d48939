import { Job, JobContext, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';
import { Receipt } from './order.js';

@QueueHandler('charges')
export class ChargeCard implements JobHandler<{ orderId: string }> {
  constructor(private readonly dataSource: DataSource) {}

  async process(job: Job<{ orderId: string }>, context: JobContext): Promise<void> {
    // The slow part, without a transaction. The job's id lets the other side recognise a repeated request.
    const text = await this.charge(job.id, context.signal);
    // The short part: the row and the completion commit together.
    await this.dataSource.transaction(async (manager) => {
      await manager.insert(Receipt, { orderId: job.payload.orderId, text });
      await context.complete({ text }, { manager });
    });
  }

  private async charge(idempotencyKey: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    return Promise.resolve(`charged once as ${idempotencyKey}`);
  }
}
