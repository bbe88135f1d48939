import {
  BadRequestException,
  ConflictException,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { QueueService } from 'nestjs-simple-queue';
import { QueueWorkflows, type FoundWorkflow } from 'nestjs-simple-queue/workflows';
import { DataSource, MoreThanOrEqual, type EntityManager } from 'typeorm';
import { fulfilmentOf } from '../fulfilment/fulfilment.js';
import { reminderKey, summaryKey, type OrderJob, type SummaryJob } from '../jobs.js';
import { Order } from './order.js';
import type { OrderForm } from './order-form.js';
import { Product } from './product.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
export const REMIND_AFTER_MS = 2 * DAY_MS;
/** A real shop would wait for the end of the day; a few seconds let you watch. */
export const SUMMARISE_AFTER_MS = 3_000;

export interface Placed {
  order: Order;
  /** False when this very order was placed before. */
  isNew: boolean;
}

@Injectable()
export class OrdersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queues: QueueService,
    private readonly workflows: QueueWorkflows,
  ) {}

  /** The order and all the work that follows from it are stored together, or not at all. */
  async place(form: OrderForm): Promise<Placed> {
    return this.dataSource.transaction(async (manager) => {
      const isNew = await store(form, manager);
      if (isNew) await this.enqueueWork(form, manager);
      // Last, because concurrent orders of one item wait here for each other. If it throws, everything above is undone.
      if (isNew) await takeFromStock(form, manager);
      const order = await manager.findOneByOrFail(Order, { id: form.id });
      if (!isNew) refuseOther(form, order);
      return { order, isNew };
    });
  }

  /**
   * Cancels the order, and with it the reminder that still waits: nobody is reminded of an order that is off. Its fulfilment stops, and what it has
   * done is undone, if and only if this transaction commits.
   */
  async cancel(id: string): Promise<{ order: Order; remindersCancelled: number }> {
    return this.dataSource.transaction(async (manager) => {
      const { affected } = await manager.update(
        Order,
        { id, state: 'placed' },
        { state: 'cancelled' },
      );
      const order = await this.find(id, manager);
      if (!affected) return { order, remindersCancelled: 0 };
      const reminder = await this.queues.cancel(
        { queue: 'reminders', uniqueKey: reminderKey(id) },
        { manager },
      );
      await this.enqueueSummary(order.day, manager);
      if (order.workflowId && !order.shippedAt)
        await this.workflows.cancel(order.workflowId, { manager });
      await manager.increment(Product, { sku: order.item }, 'stock', order.quantity);
      return { order, remindersCancelled: reminder.cancelled };
    });
  }

  /** undefined: it is not kept any more. */
  async fulfilmentOf({ workflowId }: Order): Promise<FoundWorkflow | undefined> {
    return workflowId ? this.workflows.find(workflowId) : undefined;
  }

  async find(id: string, manager: EntityManager = this.dataSource.manager): Promise<Order> {
    const order = await manager.findOneBy(Order, { id });
    if (!order) throw new NotFoundException(`There is no order ${id}.`);
    return order;
  }

  private async enqueueWork({ id, day }: OrderForm, manager: EntityManager): Promise<void> {
    const order: OrderJob = { orderId: id };
    await this.queues.enqueue('receipts', order, { manager });
    await this.queues.enqueue('reminders', order, {
      manager,
      uniqueKey: reminderKey(id),
      delayMs: REMIND_AFTER_MS,
    });
    await this.enqueueSummary(day, manager);
    const started = await this.workflows.start(fulfilmentOf(id), { manager, uniqueKey: id });
    await manager.update(Order, { id }, { workflowId: started.id });
  }

  /** The smallest number runs first: a summary lets everything else in its queue go before it. */
  private async enqueueSummary(day: string, manager: EntityManager): Promise<void> {
    const summary: SummaryJob = { day };
    const options = { uniqueKey: summaryKey(day), delayMs: SUMMARISE_AFTER_MS, priority: 100 };
    await this.queues.enqueue('summaries', summary, { manager, ...options });
  }
}

/** The primary key decides who is first, also between two requests at the same moment. */
async function store(form: OrderForm, manager: EntityManager): Promise<boolean> {
  const insert = manager
    .createQueryBuilder()
    .insert()
    .into(Order)
    .values(form)
    .orIgnore()
    .returning('id');
  const { raw } = (await insert.execute()) as { raw: unknown[] };
  return raw.length === 1;
}

async function takeFromStock({ item, quantity }: OrderForm, manager: EntityManager): Promise<void> {
  const { affected } = await manager.decrement(
    Product,
    { sku: item, stock: MoreThanOrEqual(quantity) },
    'stock',
    quantity,
  );
  if (affected) return;
  const product = await manager.findOneBy(Product, { sku: item });
  throw new BadRequestException([
    product
      ? `only ${product.stock} of "${product.name}" are left`
      : `there is no item "${item}" in the catalogue`,
  ]);
}

function refuseOther(form: OrderForm, order: Order): void {
  const differing = (Object.keys(form) as (keyof OrderForm)[]).filter(
    (field) => form[field] !== order[field],
  );
  if (differing.length === 0) return;
  throw new ConflictException(
    `order number ${form.id} is taken by another order (other ${differing.join(', ')})`,
  );
}
