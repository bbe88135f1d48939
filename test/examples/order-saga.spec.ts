import { expect, it } from '@jest/globals';
import { drain } from 'nestjs-simple-queue/testing';
import { QueueWorkflows } from 'nestjs-simple-queue/workflows';
import { PATIENT } from '../support/application.js';
import { aStory } from '../support/story.js';
import { UNHURRIED } from '../support/unhurried.js';
import { Orders, Parcels, Payments, Stock } from './order-saga.js';

const story = aStory(PATIENT);

it('refunds and releases what an order has done when one of its parcels fails', async () => {
  await story.database.query('create table orders (items text[])');
  const { app, dataSource } = await story.start({
    providers: [Orders, Parcels, Payments, Stock],
    options: { worker: { autoStart: false } },
  });
  const orders = app.get(Orders);

  const id = await dataSource.transaction((manager) => orders.place(['mug', 'broken'], manager));
  await drain(app, UNHURRIED);

  const found = await app.get(QueueWorkflows, { strict: false }).find(id);
  expect(found!.state).toBe('compensated');
  expect(app.get(Parcels).seen.toSorted()).toEqual(['pack broken', 'pack mug', 'unpack mug']);
  expect(app.get(Payments).seen).toEqual(['pay 900', 'refund 900']);
  expect(app.get(Stock).released).toEqual(['r-mug']);
});
