import { Injectable } from '@nestjs/common';
import { QueueService } from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';
import { Order } from './order.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queues: QueueService,
  ) {}

  /** The order and its job are stored together, or not at all. Returns the job's id. */
  async place(order: Order): Promise<string> {
    return this.dataSource.transaction(async (manager) => {
      await manager.insert(Order, order);
      const { id } = await this.queues.enqueue('receipts', { orderId: order.id }, { manager });
      return id;
    });
  }
}
