import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';
import { read } from './documents.js';

let test: TestStorage;

beforeAll(async () => void (test = await aStorage()));
afterAll(() => test.close());

it('asks for the age that the guide scales workers by', async () => {
  const [, indented] = /query: >-\n((?: {10}.+\n)+)/.exec(read('docs/operate/kubernetes.md'))!;
  const ageOf = async () =>
    Number(Object.values((await test.database.query<Record<string, string>>(indented!))[0]!)[0]);
  expect(await ageOf()).toBe(0);
  await test.rows.job({ queue: 'receipts', due: '-1 hour' });
  await test.rows.job({ queue: 'mail', due: '-2 hours' });
  expect(Math.round((await ageOf()) / 60)).toBe(60);
});

it('finds who holds a transaction open, as the guide does', async () => {
  const [sql] = [
    ...read('docs/operate/postgresql.md').matchAll(/^```sql\n(select[\s\S]*?)^```$/gm),
  ].map(([, text]) => text!);
  const rival = await Rival.connect(test.database);
  await rival.begin('repeatable read');
  const [holder] = await rival.query<{ pid: number }>(
    'select pg_backend_pid() as pid, count(*) from simple_queue.job',
  );
  // Rivals of other specs hold theirs as well: the guide asks for the five oldest.
  const held = await test.database.query<{ pid: number }>(sql!.replace('limit 5', ''));
  expect(held.map((row) => row.pid)).toContain(holder!.pid);
  await rival.close();
});
