import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { aDatabase } from '../support/template.js';
import { Charges, Checkout, Payments, withLimits } from './charges.js';

it('charges within the limit, and rests after a 429', async () => {
  const database = await aDatabase();
  const statuses = [429, 200, 200];
  const payments = { charge: async () => ({ status: statuses.shift()!, retryAfterMs: 50 }) };
  const module = await Test.createTestingModule({
    imports: [TypeOrmModule.forRoot({ type: 'postgres', url: database.url }), withLimits()],
    providers: [Charges, Checkout, { provide: Payments, useValue: payments }],
  }).compile();
  await module.init();

  const job = await module
    .get(QueueService)
    .enqueueAndWait('charges', { cents: 5 }, { timeoutMs: 20_000 });

  expect(job).toMatchObject({ state: 'succeeded', output: { status: 200 } });
  expect(await module.get(Checkout).pay(7)).toMatchObject({ status: 200 });
  expect(await module.get(QueueAdmin).limits()).toMatchObject([
    { name: 'mail', concurrency: 50 },
    { name: 'payments', concurrency: 20, rate: { limit: 100, perMs: 1_000, strict: true } },
  ]);
  await module.close();
  await database.drop();
});
