import { Injectable } from '@nestjs/common';
import { exponential, QueueService } from 'nestjs-simple-queue';
import { DataSource, type EntityManager } from 'typeorm';
import { Order } from './order.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

@Injectable()
export class RemindersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queues: QueueService,
  ) {}

  // #region unique
  /** However often it is asked for, one reminder of an order waits at a time. */
  async remind(orderId: string, manager?: EntityManager): Promise<{ id: string; isNew: boolean }> {
    const { id, created } = await this.queues.enqueue(
      'reminders',
      { orderId },
      {
        manager,
        uniqueKey: `reminder:${orderId}`,
        fingerprint: `order:${orderId}`,
        delayMs: 2 * DAY_MS,
      },
    );
    return { id, isNew: created };
  }
  // #endregion

  // #region many
  /** All or none. The results are in the order of the items. */
  async remindAll(orderIds: string[]): Promise<number> {
    const results = await this.queues.enqueueMany(
      'reminders',
      orderIds.map((orderId) => ({
        payload: { orderId },
        uniqueKey: `reminder:${orderId}`,
        delayMs: 2 * DAY_MS,
      })),
    );
    return results.filter(({ created }) => created).length;
  }
  // #endregion

  // #region cancel
  /** The order goes, and with it every job that carries its fingerprint. If this rolls back, both stay. */
  async cancelOrder(orderId: string): Promise<{ cancelled: number; requested: number }> {
    return this.dataSource.transaction(async (manager) => {
      await manager.delete(Order, { id: orderId });
      return this.queues.cancel({ fingerprint: `order:${orderId}` }, { manager });
    });
  }
  // #endregion

  // #region id
  /** The id of the request is the id of the job: a caller that got no reply may repeat the call. */
  async export(requestId: string, report: string): Promise<boolean> {
    const { created } = await this.queues.enqueue('exports', { report }, { id: requestId });
    return created;
  }
  // #endregion

  // #region options
  async notify(url: string, tenant: string): Promise<void> {
    await this.queues.enqueue(
      'webhooks',
      { url },
      {
        priority: -10,
        headers: { tenant },
        maxAttempts: 8,
        backoff: exponential({ baseMs: 1_000, maxMs: 60_000 }),
        timeoutMs: 10_000,
      },
    );
  }
  // #endregion
}
