import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { anApplication, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';

describe('limits set', () => {
  let database: TestDatabase;
  let application: TestApplication;

  beforeAll(async () => {
    database = await aDatabase();
    const limits = { api: { concurrency: 5, rate: { limit: 5, perMs: 1_000 } } };
    application = await anApplication(database, { options: { limits } });
  });
  afterAll(async () => {
    await application.close();
    await database.drop();
  });

  const set = (...flags: string[]) =>
    cli(['limits', 'set', 'api', ...flags], { env: { DATABASE_URL: database.url } });
  const rateOf = async () =>
    (await application.app.get(QueueAdmin, { strict: false }).limits())[0]!.rate;

  it.each([
    ['100/1000', { limit: 100, perMs: 1_000 }],
    ['100/1s', { limit: 100, perMs: 1_000 }],
    ['7/2 min', { limit: 7, perMs: 120_000 }],
    ['3/0.5s', { limit: 3, perMs: 500 }],
    ['none', undefined],
  ])('takes a rate of %s', async (rate, kept) => {
    expect(await set('--rate', rate)).toMatchObject({ code: 0, err: '' });
    if (kept) expect(await rateOf()).toMatchObject(kept);
    else expect(await rateOf()).toBeUndefined();
  });

  it.each([
    ['100'],
    ['100/'],
    ['/1s'],
    ['100/1 moon'],
    ['x/1s'],
    ['100/1s/2'],
    ['1.5/1s'],
    ['0/1s'],
  ])('refuses a rate of %s, and changes nothing', async (rate) => {
    const before = await rateOf();
    expect(await set('--rate', rate)).toMatchObject({ code: 2, out: '' });
    expect(await rateOf()).toEqual(before);
  });
});
