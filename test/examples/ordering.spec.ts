import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { AccountsService } from './accounts.service.js';
import { withOrder } from './ordered-queues.js';

let database: TestDatabase;
let application: TestApplication;
let accounts: AccountsService;
const booked: string[] = [];

beforeAll(async () => {
  database = await aDatabase();
  const bookings = aHandler('bookings', (job) => {
    const { account, cents } = job.payload as { account: string; cents: number };
    booked.push(`${account} ${cents}`);
  });
  application = await anApplication(database, {
    options: PATIENT,
    providers: [AccountsService, bookings],
  });
  accounts = application.app.get(AccountsService);
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('books in the order of the commits, and waits for what is reserved', async () => {
  await accounts.book('A', 1);
  const reserved = await accounts.reserve('A', 2);
  const dropped = await accounts.reserve('A', 3);
  await accounts.book('A', 4);
  await eventually(() => booked.length === 1);

  expect(await accounts.confirm(dropped, false)).toMatchObject({ outcome: 'aborted', won: true });
  expect(await accounts.confirm(reserved, true)).toMatchObject({ outcome: 'committed', won: true });
  expect(await accounts.confirm(reserved, false)).toMatchObject({
    outcome: 'committed',
    won: false,
  });

  await eventually(() => booked.length === 3);
  expect(booked).toEqual(['A 1', 'A 2', 'A 4']);
});

it('takes the settings', () => {
  expect(withOrder().module).toBeDefined();
});
