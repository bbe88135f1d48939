import { Controller, Get } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Order } from '../orders/order.js';
import { Receipt } from '../receipts/receipt.js';
import { QueueCounts, type Counts } from './queue-counts.js';

interface Status {
  orders: number;
  receipts: number;
  queues: Record<string, Counts>;
}

@Controller()
export class StatusController {
  constructor(
    private readonly counts: QueueCounts,
    private readonly dataSource: DataSource,
  ) {}

  @Get()
  async status(): Promise<Status> {
    const { manager } = this.dataSource;
    const [orders, receipts, queues] = await Promise.all([
      manager.count(Order),
      manager.count(Receipt),
      this.counts.read(),
    ]);
    return { orders, receipts, queues: Object.fromEntries(queues) };
  }
}
