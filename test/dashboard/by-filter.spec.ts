import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aStorage, type TestStorage } from '../support/storage.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

interface Counted {
  at: string;
  counts: Record<string, number>;
}

let test: TestStorage;
let dashboard: TestDashboard;
beforeAll(async () => {
  test = await aStorage();
  dashboard = await aDashboard(test.database);
});
afterAll(async () => {
  await dashboard.close();
  await test.close();
});

const act = async (action: string, body: object): Promise<Counted> =>
  (await dashboard.post(`/queues/api/${action}`, body)).json() as Promise<Counted>;
const stateOf = async (id: string) => (await dashboard.app.get(QueueAdmin).job(id))?.state;
/** Jobs that were created long before, and end now. */
const anEnded = async (): Promise<string> => {
  const [id] = await endedJobs(test, 1, { state: 'failed' });
  await test.database.query(
    `update simple_queue.dead_letter set created_at = now() - interval '1 hour' where id = $1`,
    [id],
  );
  return id!;
};

it.each(['purge', 'redrive'])(
  '%s takes what had ended when it was counted, by the clock of the database',
  async (action) => {
    const counted = await anEnded();
    const filter = { state: 'failed' };
    const { at, counts } = await act(action, { filter });
    expect(Object.values(counts)).toContain(1);
    const later = await anEnded();

    await act(action, { filter, until: at, dryRun: false });
    expect([await stateOf(counted), await stateOf(later)]).toEqual([
      action === 'purge' ? undefined : 'ready',
      'failed',
    ]);
    await test.rows.clear();
  },
);

it.each(['purge', 'cancel-many'])('%s takes what waited when it was counted', async (action) => {
  const counted = await test.rows.job();
  const filter = { state: 'ready,scheduled' };
  const { at } = await act(action, { filter });
  const later = await test.rows.job();
  await act(action, { filter, until: at, dryRun: false });
  expect([await stateOf(counted.id), await stateOf(later.id)]).toEqual([
    action === 'purge' ? undefined : 'cancelled',
    'ready',
  ]);
  await test.rows.clear();
});

it('refuses an empty filter, and a time that is none', async () => {
  for (const body of [{ filter: {} }, { filter: { state: 'failed' }, until: 'yesterday' }])
    expect((await dashboard.post('/queues/api/purge', body)).status).toBe(400);
});
