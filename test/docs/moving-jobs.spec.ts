import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aStorage, type TestStorage } from '../support/storage.js';
import { read } from './documents.js';

let test: TestStorage;

beforeAll(async () => void (test = await aStorage()));
afterAll(() => test.close());

/** The columns that it reads, as pg-boss 12 has them; with the package itself it was tried by hand. */
const THEIRS = `create schema pgboss; create table pgboss.job (
  id uuid not null default gen_random_uuid(), name text not null, priority int not null default 0, data jsonb, state text not null default 'created',
  retry_limit int not null default 2, retry_count int not null default 0, singleton_key text, start_after timestamptz not null default now(),
  blocked boolean not null default false)`;

it('what waits in pg-boss moves as the guide says, with priority, key and attempts', async () => {
  const { database } = test;
  await database.query(THEIRS);
  await database.query(`insert into pgboss.job (name, priority, data, state, retry_limit, retry_count, singleton_key, start_after, blocked) values
    ('receipts', 5, '{"n": 1}', 'created', 7, 0, null, now() - interval '1 hour', false),
    ('receipts', 0, '{"n": 2}', 'retry', 2, 1, 'k', now() + interval '1 hour', false),
    ('receipts', 0, '{"n": 3}', 'active', 2, 0, null, now(), false),
    ('receipts', 0, '{"n": 4}', 'created', 2, 0, null, now(), true),
    ('letters', 0, '{"n": 5}', 'created', 2, 0, null, now(), false)`);
  const [sql] = /(?<=^```sql\n)[\s\S]*?(?=^```$)/m.exec(read('docs/move/coming-from-pg-boss.md'))!;
  await database.query(sql);
  const moved = await database.query(
    `select payload, state, priority, unique_key, options -> 'maxAttempts' as attempts from simple_queue.jobs order by payload::text`,
  );
  expect(moved).toEqual([
    { payload: { n: 1 }, state: 'ready', priority: -5, unique_key: null, attempts: 8 },
    { payload: { n: 2 }, state: 'scheduled', priority: 0, unique_key: 'k', attempts: 2 },
  ]);
  expect(await database.query('select data from pgboss.job order by data::text')).toEqual(
    [3, 4, 5].map((n) => ({ data: { n } })),
  );
});
