import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueService } from '../../lib/queue.service.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { aDashboard } from './a-dashboard.js';

describe('what the dashboard says and does of limits and filters', () => {
  let database: TestDatabase;
  let dashboard: Awaited<ReturnType<typeof aDashboard>>;

  beforeAll(async () => {
    database = await aDatabase();
    dashboard = await aDashboard(database, { dashboard: { access: () => 'all' } });
    await dashboard.app.get(QueueService).enqueue('imports', { t: 'A' });
  });
  afterAll(async () => {
    await dashboard.close();
    await database.drop();
  });

  const admin = () => dashboard.app.get(QueueAdmin);

  it('shows the limit of each key beside that of the queue, and gives each back alone', async () => {
    await database.query(
      `insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'imports/*', true, 1, '{}')`,
    );
    await admin().setLimit('imports', { perKey: { concurrency: 2 } });
    const look = async () =>
      (await (await dashboard.get('/queues/api/queue?queue=imports')).json()) as object;
    expect(await look()).toMatchObject({ limitPerKey: { perKey: true, concurrency: 2 } });
    expect(await look()).not.toHaveProperty('limit');
    await admin().setLimit('imports', { fleetConcurrency: 9 });
    expect((await dashboard.post('/queues/api/reset-limit', { name: 'imports', perKey: true })).status).toBe(200); // prettier-ignore
    const set = (await admin().limits()).map(({ perKey = false, setAt }) => [perKey, !!setAt]);
    expect(set).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it.each([
    [{ q: 'queue:led', queue: 'mail' }],
    [{ q: 'state:cancelled', state: 'failed' }],
    [{ q: 'key:a', uniqueKey: 'b' }],
  ])('refuses a filter that says a part twice: %j', async (filter) => {
    for (const action of ['purge', 'redrive', 'cancel-many'])
      expect((await dashboard.post(`/queues/api/${action}`, { filter })).status).toBe(400);
    const said = new URLSearchParams(filter as Record<string, string>).toString();
    expect((await dashboard.get(`/queues/api/jobs?${said}`)).status).toBe(400);
  });
});
