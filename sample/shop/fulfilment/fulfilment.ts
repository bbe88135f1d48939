import { defineJob } from 'nestjs-simple-queue';
import { workflow } from 'nestjs-simple-queue/workflows';
import type { OrderJob } from '../jobs.js';

const job = <Output = void>(name: string) =>
  defineJob<OrderJob, Output>()({ queue: 'fulfilment', name });

export const Reserve = job('reserve');
export const Release = job('release');
export const Pay = job<{ charged: string }>('pay');
export const Refund = job('refund');
export const Ship = job('ship');

/** A saga: what has happened is undone, last things first, if a later step fails or the customer cancels. */
export function fulfilmentOf(orderId: string) {
  const order: OrderJob = { orderId };
  return workflow('fulfilment')
    .step('reserve', Reserve, order, { compensate: [Release, order] })
    .step('pay', Pay, order, { after: 'reserve', compensate: [Refund, order] })
    .step('ship', Ship, order, { after: 'pay' });
}
