import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { ImportPrices, PriceLists } from './progress.js';

let database: TestDatabase;
let application: TestApplication;

beforeAll(async () => {
  database = await aDatabase();
  application = await anApplication(database, {
    options: PATIENT,
    providers: [ImportPrices, PriceLists],
  });
});
afterAll(async () => {
  await application.close();
  await database.drop();
});

it('the import is followed, and its page shows that all is done', async () => {
  const lists = application.app.get(PriceLists);
  const prices = ['tea', 'milk'].map((article) => ({ article, cents: 199 }));
  const { id } = await application.queues.enqueue('price-lists', { shop: 'corner', prices });
  const sent: number[] = [];

  expect(await lists.follow(id, (percent) => sent.push(percent))).toBe('succeeded');

  expect(sent.at(-1)).toBe(100);
  expect(await lists.status(id)).toEqual({ state: 'succeeded', percent: 100, note: undefined });
});
