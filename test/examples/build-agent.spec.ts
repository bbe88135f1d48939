import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { InMemoryJobQueue } from 'nestjs-simple-queue/testing';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { renew, workOne } from './build-agent.js';

let database: TestDatabase;
let application: TestApplication;

beforeAll(async () => {
  database = await aDatabase();
  application = await anApplication(database, { options: { ...PATIENT, worker: false } });
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it.each([
  ['on PostgreSQL', () => application.app.get<JobQueue>(JobQueue)],
  ['in memory', () => new InMemoryJobQueue()],
])(
  'works what its labels allow, and fails for good what cannot be built: %s',
  async (_, queueOf) => {
    const queue = queueOf();
    const good = await queue.enqueue('builds', { commit: 'a1' }, { labels: ['linux'] });
    const bad = await queue.enqueue('builds', { commit: 'b2' });
    const other = await queue.enqueue('builds', { commit: 'c3' }, { labels: ['windows'] });
    const build = async ({ payload }: { payload: unknown }) => {
      const { commit } = payload as { commit: string };
      if (commit === 'b2') throw new SyntaxError('cannot be parsed');
      return { image: `app:${commit}` };
    };
    while (await workOne(queue, build));
    expect(await queue.find(good.id)).toMatchObject({
      state: 'succeeded',
      output: { image: 'app:a1' },
    });
    expect(await queue.find(bad.id)).toMatchObject({
      state: 'failed',
      lastError: { message: 'cannot be parsed' },
    });
    expect(await queue.find(other.id)).toMatchObject({ state: 'ready' });
  },
);

// #region in-memory
it('stops when its job is cancelled', async () => {
  const queue = new InMemoryJobQueue();
  const { id } = await queue.enqueue('builds', { commit: 'a1' }, { workflowId: 'release-7' });
  const { leaseId } = await queue.claim({ workerId: 'agent', queues: ['builds'] });
  const stop = new AbortController();

  await queue.cancelWorkflow('release-7');
  await renew(queue, leaseId, stop);
  expect(stop.signal.aborted).toBe(true);
  expect(await queue.fail(leaseId, id, 'stopped')).toBe('cancelled');
});

it('loses its job when it is silent for too long', async () => {
  let now = 0;
  const queue = new InMemoryJobQueue({ now: () => now });
  const { id } = await queue.enqueue('builds', { commit: 'a1' });
  const { leaseId } = await queue.claim({ workerId: 'agent', queues: ['builds'], leaseMs: 30_000 });

  now += 30_001;
  expect((await queue.reapExpiredLeases()).expired).toEqual([
    { leaseId, worker: 'agent', jobs: [id] },
  ]);
  await expect(queue.renewLease(leaseId, 30_000)).rejects.toMatchObject({ code: 'LEASE_LOST' });
});
// #endregion
