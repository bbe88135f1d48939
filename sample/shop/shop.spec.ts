import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { QueueService } from 'nestjs-simple-queue';
import { drain as drainQueues } from 'nestjs-simple-queue/testing';
import { anOrderForm, aShop, type TestShop } from './shop.fixture.js';
import { eventually } from '../../test/support/eventually.js';
import { patient } from '../../test/support/patience.mjs';
import type { OrderForm } from './orders/order-form.js';

let shop: TestShop;
let id = 0;

beforeAll(async () => {
  shop = await aShop();
});

afterAll(() => shop.close());

async function place(change: Partial<OrderForm> = {}): Promise<{ id: string; response: Response }> {
  const form = anOrderForm({ id: `A-${++id}`, ...change });
  return { id: form.id, response: await shop.ask('POST', '/orders', form) };
}

/** All receipts are written and all webhooks told, however busy this machine is. */
const drain = (app: TestShop['app']) => drainQueues(app, { timeoutMs: patient(15_000) });

/** A webhook that this machine was too busy to answer in time is asked again a moment later. */
const drained = (check: () => Promise<void>) => eventually(() => drain(shop.app).then(check));

/** States of an order's jobs, by queue. */
async function jobsOf(orderId: string): Promise<Record<string, string>> {
  const sql = `select queue, state from simple_queue.jobs where payload ->> 'orderId' = $1`;
  const jobs = await shop.database.query<{ queue: string; state: string }>(sql, [orderId]);
  return Object.fromEntries(jobs.map(({ queue, state }) => [queue, state]));
}

it('writes a receipt for an order', async () => {
  const { id, response } = await place();
  expect(response.status).toBe(201);
  expect((await shop.ask('GET', `/orders/${id}/receipt`)).status).toBe(404);
  await drain(shop.app);
  const receipt = await shop.ask('GET', `/orders/${id}/receipt`);
  expect(receipt.headers.get('content-type')).toBe('application/pdf');
  expect(
    Buffer.from(await receipt.arrayBuffer())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-');
});

it('answers a repeated order with the one it has, and writes no second receipt', async () => {
  const { id } = await place();
  await drain(shop.app);
  expect((await place({ id })).response.status).toBe(200);
  await drain(shop.app);
  expect(
    await shop.database.query('select 1 from shop.receipt where order_id = $1', [id]),
  ).toHaveLength(1);
});

it.each([
  ['bad from the start', { email: '' }, 'email is missing'],
  [
    'of an item that is not there',
    { item: 'unobtainium' },
    'there is no item "unobtainium" in the catalogue',
  ],
  [
    'that comes too late',
    { item: 'book-signed', quantity: 11 },
    'only 10 of "The Coffee Atlas, signed edition" are left',
  ],
])('leaves neither order nor jobs of an order %s', async (_case, change, reason) => {
  const { id, response } = await place(change);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ message: [reason] });
  expect((await shop.ask('GET', `/orders/${id}`)).status).toBe(404);
  expect(await jobsOf(id)).toEqual({});
});

it('cancels the reminder with the order, in one transaction', async () => {
  const { id } = await place();
  expect(await (await shop.ask('DELETE', `/orders/${id}`)).json()).toMatchObject({
    remindersCancelled: 1,
    order: { state: 'cancelled' },
  });
  expect(await (await shop.ask('DELETE', `/orders/${id}`)).json()).toMatchObject({
    remindersCancelled: 0,
  });
  await drain(shop.app);
  expect(await jobsOf(id)).toEqual({
    receipts: 'cancelled',
    reminders: 'cancelled',
    fulfilment: 'cancelled',
  });
});

const stockOf = async (sku: string): Promise<number> =>
  (await shop.database.query<{ stock: number }>('select stock from shop.product where sku = $1', [sku]))[0]!.stock; // prettier-ignore

it('reserves, is paid and ships, and shows it on the page of the order', async () => {
  const { id } = await place();
  await drain(shop.app);
  expect(await (await shop.ask('GET', `/orders/${id}`)).json()).toMatchObject({
    state: 'placed',
    shippedAt: expect.any(String),
    fulfilment: {
      state: 'succeeded',
      steps: { reserve: 'succeeded', pay: 'succeeded', ship: 'succeeded' },
    },
  });
});

it('puts the goods of an order that cannot be paid back on the shelf', async () => {
  const before = await stockOf('moka-3');
  const { id } = await place({ item: 'moka-3', email: 'ada@broke.example' });
  expect(await stockOf('moka-3')).toBe(before - 2);
  await drain(shop.app);
  expect(await (await shop.ask('GET', `/orders/${id}`)).json()).toMatchObject({
    state: 'unpaid',
    reservedAt: null,
    shippedAt: null,
    fulfilment: {
      state: 'compensated',
      steps: {
        reserve: 'succeeded, compensation succeeded',
        pay: 'failed',
        ship: 'skipped',
      },
    },
  });
  expect(await stockOf('moka-3')).toBe(before);
});

it('tells the customer of the receipt, signed', async () => {
  const { id } = await place({ webhook: '/customers/steady/webhook' });
  await drained(async () => expect(await jobsOf(id)).toMatchObject({ webhooks: 'succeeded' }));
});

it('gives up at once on a customer who has gone', async () => {
  const { id } = await place({ webhook: '/customers/gone/webhook' });
  const ends = { receipts: 'succeeded', webhooks: 'unprocessable' };
  await drained(async () => expect(await jobsOf(id)).toMatchObject(ends));
});

it('tries a customer that fails again later', async () => {
  const { id } = await place({ webhook: '/customers/broken/webhook' });
  await drain(shop.app);
  expect(await jobsOf(id)).toMatchObject({ receipts: 'succeeded', webhooks: 'scheduled' });
});

it('has one summary job for a day, however many orders it has', async () => {
  await place({ day: '2025-03-09' });
  await place({ day: '2025-03-09' });
  const summaries = await shop.database.query(
    `select 1 from simple_queue.jobs where payload ->> 'day' = '2025-03-09'`,
  );
  expect(summaries).toHaveLength(1);
});

it('summarises a day', async () => {
  await place({ day: '2025-03-10', amount: '10.00' });
  await place({ day: '2025-03-10', amount: '2.50' });
  await shop.app.get(QueueService).enqueue('summaries', { day: '2025-03-10' });
  await drain(shop.app);
  const sql = `select orders, amount from shop.daily_summary where day = '2025-03-10'`;
  expect(await shop.database.query(sql)).toEqual([{ orders: 2, amount: '12.50' }]);
});

it('shows how many jobs are where', async () => {
  await place();
  await drain(shop.app);
  expect(await (await shop.ask('GET', '/')).json()).toMatchObject({
    queues: { receipts: { succeeded: expect.any(Number) } },
  });
});
