import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { constant } from '../../lib/job/backoff.js';
import { CriticalError } from '../../lib/job/queue.errors.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { patient, scaled } from '../support/patience.mjs';
import { aStory } from '../support/story.js';

interface Heard {
  id: string;
  queue: string;
  state: string;
  output?: unknown;
}

const CHILD = new URL('./child-worker.ts', import.meta.url);
const QUEUES = {
  orders: { outcomes: 'order-outcomes' },
  lines: { outcomes: 'order-outcomes', ordered: true },
  keyed: { outcomes: 'order-outcomes', perKey: { by: 'tenant', concurrency: 2 } },
  ledger: { outcomes: 'order-outcomes' },
};

describe('ends of jobs as jobs', () => {
  const story = aStory(PATIENT);
  let heard: Heard[] = [];
  let fails = 1;

  beforeAll(() =>
    story.database.query('create table ledger (job uuid, pid int); create table start (job uuid)'),
  );
  afterEach(() => {
    heard = [];
    fails = 1;
  });

  const work = (job: { payload: { fail?: boolean }; attempt: number }) => {
    if (job.payload?.fail) throw new CriticalError('no');
    return job.attempt;
  };
  const HANDLERS = [
    aHandler('orders', work),
    aHandler('lines', work),
    aHandler('keyed', work),
    aHandler('order-outcomes', (job) => {
      if (fails-- > 0) throw new Error('once');
      heard.push(job.payload);
    }, { backoff: constant({ delayMs: 0 }) }), // prettier-ignore
  ];
  const start = () =>
    story.start({ options: { queues: QUEUES, queueConcurrency: 50 }, providers: HANDLERS });
  const states = () => Object.fromEntries(heard.map(({ id, state }) => [id, state]));
  const untilHeard = (n: number) => eventually(() => expect(heard).toHaveLength(n));

  it('come once each, from plain, ordered and keyed jobs, failures among them, and are retried', async () => {
    const { queues, storage } = await start();
    const many = (queue: string) => Array.from({ length: 100 }, (_, n) => ({ payload: { tenant: `t${n % 5}`, fail: n === 99 && queue !== 'lines' } })); // prettier-ignore
    const expected: Record<string, string> = {};
    for (const queue of ['orders', 'lines', 'keyed']) {
      const ids = (await queues.enqueueMany(queue, many(queue))).map(({ id }) => id);
      ids.forEach((id, n) => (expected[id] = n === 99 && queue !== 'lines' ? 'critical' : 'succeeded')); // prettier-ignore
    }
    await untilHeard(300);
    expect(states()).toEqual(expected);
    expect(heard.every(({ state, output }) => (state === 'succeeded') === (output === 1))).toBe(true); // prettier-ignore
    expect(storage.lanes.find('order-outcomes', '')).toBeDefined();
  });

  it('come of a step, of a remote worker, of a cancel, and again of another life', async () => {
    const { app, queues } = await start();
    const get = <T>(token: abstract new (...args: never[]) => T): T => app.get(token as never, { strict: false }); // prettier-ignore
    const flow = workflow('w').step('a', 'orders', {}).step('b', 'lines', {}, { after: 'a' });
    const { id } = await get(QueueWorkflows).start(flow);
    const ended = await get(QueueWorkflows).wait(id);
    expect(ended.state).toBe('succeeded');
    await untilHeard(2);
    expect(ended.steps.flatMap(({ ids }) => ids).toSorted()).toEqual(Object.keys(states()).toSorted()); // prettier-ignore

    const pull = get(JobQueue);
    const remote = await Promise.all([1, 2].map(() => queues.enqueue('ledger', {})));
    const { leaseId: lease } = (await pull.claim({ queues: ['ledger'], workerId: 'w', limit: 2, leaseMs: 60_000 })); // prettier-ignore
    await pull.complete(lease, remote[0]!.id, 7);
    await pull.fail(lease, remote[1]!.id, 'no', { retryable: false });
    await untilHeard(4);
    expect(heard.find((each) => each.id === remote[0]!.id)).toMatchObject({ output: 7, state: 'succeeded' }); // prettier-ignore

    const [{ id: later }] = [await queues.enqueue('orders', {}, { delayMs: 60_000 })];
    await queues.cancel({ id: later });
    await untilHeard(5);
    const { id: dead } = await queues.enqueue('orders', { fail: true });
    await untilHeard(6);
    await get(QueueAdmin).retry(dead);
    await untilHeard(7);
    expect(heard.filter((each) => each.id === dead).map(({ state }) => state)).toEqual(['critical', 'critical']); // prettier-ignore
  });

  it('come with the commit of a completion, and of a worker that learnt of the option while it ran', async () => {
    const completing = aHandler('ledger', (_, context) => context.manager.query('select 1'), { transactional: true }); // prettier-ignore
    const { queues, dataSource } = await story.start({
      options: { queues: { plain: {} } },
      providers: [completing, ...HANDLERS],
    });
    await queues.enqueue('ledger', 1);
    await queues.enqueue('orders', {});
    await untilHeard(2);
    // A rollback of the transaction that enqueues leaves nothing to tell.
    const back = dataSource.transaction(async (manager: EntityManager) => {
      await queues.enqueue('orders', {}, { manager });
      throw new Error('back');
    });
    await expect(back).rejects.toThrow('back');
    await queues.enqueue('orders', {});
    await untilHeard(3);
  });

  it(
    'come once each under workers that are killed',
    async () => {
      const options = { leaseMs: scaled(1_500), heartbeatIntervalMs: 300, reaperIntervalMs: 200 };
      const aWorker = () =>
        new Child(CHILD, {
          DATABASE_URL: story.database.url,
          CHILD_HANDLERS: 'ledger,clock',
          CHILD_OPTIONS: JSON.stringify({ ...options, queueConcurrency: 10 }),
        });
      const application: TestApplication = await story.start({ options: { queues: QUEUES, worker: false } }); // prettier-ignore
      const jobs = await application.queues.enqueueMany('ledger', Array.from({ length: 120 }, (_, n) => ({ payload: n }))); // prettier-ignore
      let children = [aWorker(), aWorker()];
      const told = async () =>
        (await story.database.query<{ id: string }>(`select payload ->> 'id' as id from simple_queue.job where payload ->> 'queue' = 'ledger'`)).map(({ id }) => id); // prettier-ignore
      try {
        for (const share of [40, 80]) {
          await eventually(async () => (await told()).length >= share, { timeoutMs: 30_000 });
          await children.shift()!.kill();
          children = [...children, aWorker()];
        }
        await eventually(async () => expect(await told()).toHaveLength(120), { timeoutMs: 60_000 });
      } finally {
        await Promise.all(children.map((child) => child.kill()));
      }
      expect((await told()).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
      await story.clear();
    },
    patient(120_000),
  );
});
