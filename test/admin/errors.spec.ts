import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aStorage, type TestStorage } from '../support/storage.js';

let test: TestStorage;
let admin: QueueAdmin;

beforeAll(async () => {
  test = await aStorage();
  admin = new QueueAdmin(test.storage, test.options);
  await endedJobs(test, 600, { queue: 'mail' });
  await test.database.query(
    `update simple_queue.dead_letter set last_error = '{"name": "Error", "message": "no"}', finished_at = now() - interval '1 hour',
       error_key = 'a' || id::text`,
  );
  const [id] = await endedJobs(test, 1, { queue: 'web' });
  await test.database.query(
    `update simple_queue.dead_letter set last_error = '{"name": "Error", "message": "no"}', error_key = 'z' where id = $1`,
    [id],
  );
});
afterAll(() => test.close());

it('lists the errors that were there last, however many others come before them by their keys', async () => {
  const all = await admin.errors();
  expect(all).toHaveLength(500);
  expect(all[0]).toMatchObject({ key: 'z', deadLetters: { jobs: 1 } });
});

it.each([
  ['a queue', { queue: 'web' }],
  ['a time', { since: new Date(Date.now() - 1_800_000) }],
])('finds those of %s behind any number of others', async (_, options) => {
  expect(await admin.errors(options)).toMatchObject([{ key: 'z' }]);
});
