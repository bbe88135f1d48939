import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aStorage, type TestStorage } from '../support/storage.js';
import { read, tableUnder } from './documents.js';

const GUIDE = 'docs/learn/sql-producers.md';
let test: TestStorage;

beforeAll(async () => void (test = await aStorage()));
afterAll(async () => {
  await test.database.query('drop owned by producer');
  await test.database.query('drop role producer');
  await test.close();
});

it('runs as the guide says', async () => {
  const blocks = [...read(GUIDE).matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(([, sql]) => sql!);
  expect(blocks.length).toBeGreaterThanOrEqual(5);
  for (const sql of blocks) await test.database.query(sql);
  await test.database.query(`insert into orders values (7, 'ann@example.com')`);
  const jobs = await test.database.query(
    `select queue, name, state, payload from simple_queue.jobs where payload ->> 'orderId' is not null order by payload ->> 'orderId'`,
  );
  expect(jobs).toEqual([
    { queue: 'receipts', name: '', state: 'ready', payload: { orderId: 1 } },
    { queue: 'receipts', name: 'paper', state: 'scheduled', payload: { orderId: 2 } },
    { queue: 'receipts', name: '', state: 'ready', payload: { orderId: 7 } },
  ]);
});

it('names every parameter of the function, and no other', async () => {
  const [row] = await test.database.query<{ names: string[] }>(
    `select proargnames as names from pg_proc where proname = 'enqueue' and pronamespace = 'simple_queue'::regnamespace`,
  );
  const told = tableUnder(GUIDE, 'Parameters').flatMap(([names]) => names!.split(', '));
  expect([...told, 'id', 'created']).toEqual(row!.names);
});
