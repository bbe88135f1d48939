import { Injectable } from '@nestjs/common';
import { defineJob, QueueHandler, type Job } from 'nestjs-simple-queue';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import type { EntityManager } from 'typeorm';

// #region jobs
export const Reserve = defineJob<{ sku: string }, { reservation: string }>()({ queue: 'stock', name: 'reserve' }); // prettier-ignore
export const Release = defineJob<{ sku: string }>()({ queue: 'stock', name: 'release' });
export const Pay = defineJob<{ cents: number }, { payment: string }>()({ queue: 'payments', name: 'pay' }); // prettier-ignore
export const Refund = defineJob<{ cents: number }>()({ queue: 'payments', name: 'refund' });
export const Pack = defineJob<{ item: string }>()({ queue: 'parcels', name: 'pack' });
export const Unpack = defineJob<{ item: string }>()({ queue: 'parcels', name: 'unpack' });
// #endregion

// #region start
const order = (sku: string, cents: number, items: string[]) =>
  workflow('order')
    .step('reserve', Reserve, { sku }, { compensate: [Release, { sku }] })
    .step(
      'pay',
      Pay,
      { cents },
      {
        after: 'reserve',
        compensate: [Refund, { cents }, { maxAttempts: 20 }],
      },
    )
    .each(
      'pack',
      Pack,
      items.map((item) => ({ item })),
      {
        after: 'pay',
        compensate: [Unpack, ({ item }) => ({ item })],
      },
    );

@Injectable()
export class Orders {
  constructor(private readonly workflows: QueueWorkflows) {}

  async place(items: string[], manager: EntityManager): Promise<string> {
    await manager.query('insert into orders (items) values ($1)', [items]);
    return (await this.workflows.start(order('mug', 900, items), { manager })).id;
  }
}
// #endregion

// #region compensate
@QueueHandler('stock')
export class Stock {
  readonly released: string[] = [];

  constructor(private readonly workflows: QueueWorkflows) {}

  async process(job: Job<{ sku: string }>): Promise<{ reservation: string } | undefined> {
    if (job.name === 'reserve') return { reservation: `r-${job.payload.sku}` };
    const { reserve } = await this.workflows.upstream<ReturnType<typeof order>>(job);
    this.released.push(reserve!.reservation);
    return undefined;
  }
}
// #endregion

@QueueHandler('payments')
export class Payments {
  readonly seen: string[] = [];

  process(job: Job<{ cents: number }>): { payment: string } {
    this.seen.push(`${job.name} ${job.payload.cents}`);
    return { payment: 'p-1' };
  }
}

@QueueHandler('parcels', { maxAttempts: 1 })
export class Parcels {
  readonly seen: string[] = [];

  process(job: Job<{ item: string }>): void {
    this.seen.push(`${job.name} ${job.payload.item}`);
    if (job.payload.item === 'broken') throw new Error('it is broken');
  }
}
