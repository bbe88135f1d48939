import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';
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

it('has the rights that the guide gives, also where the function has its plans', async () => {
  // Of tables that are known to be empty, which makes a count of them look cheap.
  await test.database.query('delete from simple_queue.job; delete from simple_queue.ready; delete from simple_queue.scheduled'); // prettier-ignore
  await test.database.query('vacuum analyze');
  const rival = await Rival.connect(test.database);
  await rival.query('set role producer');
  for (let call = 0; call < 12; call++) await rival.query(`select simple_queue.enqueue('mail')`);
  for (let call = 0; call < 12; call++)
    await rival.query(`select simple_queue.enqueue('mail', max_pending => 100)`);
  await expect(
    rival.query(`select simple_queue.enqueue('mail', max_pending => 10)`),
  ).rejects.toMatchObject({ code: '53400' });
  await rival.close();
});

it('names every parameter of the function, and no other', async () => {
  const [row] = await test.database.query<{ names: string[] }>(
    `select proargnames as names from pg_proc where proname = 'enqueue' and pronamespace = 'simple_queue'::regnamespace`,
  );
  const told = tableUnder(GUIDE, 'Parameters').flatMap(([names]) => names!.split(', '));
  expect([...told, 'id', 'created']).toEqual(row!.names);
});
