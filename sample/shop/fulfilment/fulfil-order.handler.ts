import { Logger } from '@nestjs/common';
import { HandleJob, JobContext, Job, JobResult, QueueHandler } from 'nestjs-simple-queue';
import { QueueWorkflows } from 'nestjs-simple-queue/workflows';
import type { EntityManager } from 'typeorm';
import type { OrderJob } from '../jobs.js';
import { Order } from '../orders/order.js';
import { Product } from '../orders/product.js';
import { Pay, Refund, Release, Reserve, Ship, type fulfilmentOf } from './fulfilment.js';

/** The bank of this sample refuses them all, so that there is something to see. */
const WITHOUT_MONEY = '@broke.example';

/** Each step and its completion commit together: none happens twice, and none is undone twice. */
@QueueHandler('fulfilment', { transactional: true, concurrency: 2 })
export class FulfilOrder {
  private readonly logger = new Logger('Fulfilment');

  constructor(private readonly workflows: QueueWorkflows) {}

  /** The goods were counted when the order was placed; now they are put aside. */
  @HandleJob(Reserve)
  async reserve({ payload }: Job<OrderJob>, { manager }: JobContext): Promise<void> {
    await manager.update(Order, { id: payload.orderId }, { reservedAt: () => 'now()' });
  }

  /** Back on the shelf; whoever cancels an order has counted them back already. */
  @HandleJob(Release)
  async release({ payload }: Job<OrderJob>, { manager }: JobContext): Promise<void> {
    const order = await orderOf(payload, manager);
    await manager.update(Order, { id: order.id }, { reservedAt: null });
    const open = { id: order.id, state: 'placed' } as const;
    const { affected } = await manager.update(Order, open, { state: 'unpaid' });
    if (affected) await manager.increment(Product, { sku: order.item }, 'stock', order.quantity);
  }

  @HandleJob(Pay)
  async pay(
    { payload }: Job<OrderJob>,
    { manager }: JobContext,
  ): Promise<{ charged: string } | JobResult<never>> {
    const { id, email, amount, currency } = await orderOf(payload, manager);
    if (email.endsWith(WITHOUT_MONEY)) return JobResult.unprocessable('the bank declines');
    await manager.update(Order, { id }, { paidAt: () => 'now()' });
    return { charged: `${amount} ${currency}` };
  }

  /** A compensation reads what its step has returned. */
  @HandleJob(Refund)
  async refund(job: Job<OrderJob>, { manager }: JobContext): Promise<void> {
    const { pay } = await this.workflows.upstream<ReturnType<typeof fulfilmentOf>>(job);
    await manager.update(Order, { id: job.payload.orderId }, { paidAt: null });
    this.logger.log(`Order ${job.payload.orderId} gets ${pay?.charged} back.`);
  }

  @HandleJob(Ship)
  async ship({ payload }: Job<OrderJob>, { manager }: JobContext): Promise<void> {
    await manager.update(Order, { id: payload.orderId }, { shippedAt: () => 'now()' });
  }
}

const orderOf = ({ orderId }: OrderJob, manager: EntityManager): Promise<Order> =>
  manager.findOneByOrFail(Order, { id: orderId });
