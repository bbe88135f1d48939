import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { TroubleWatch } from '../../../lib/worker/trouble-watch.js';
import { checkPlaces } from '../../support/check-places.js';
import { aStorage, openStorage, runIn, type TestStorage } from '../../support/storage.js';

const DAY_MS = 86_400_000;
const KEEP = { '': DAY_MS };
const OPTIONS = {
  queues: { orders: { outcomes: 'order-outcomes' }, 'order-outcomes': { outcomes: 'audit' } },
};
const RULES = {
  maxStalls: 1,
  deadLetter: KEEP,
  archive: KEEP,
  onDeadJob: { '': 'block' as const },
};

interface TellingRow {
  queue: string;
  place: string | null;
  payload: { id: string; queue: string; name: string; state: string; output?: unknown };
}

describe('ends that are stored as jobs of another queue', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;

  beforeAll(async () => {
    test = await aStorage(OPTIONS);
    enqueuer = new Enqueuer(test.storage, test.options, test.events);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const told = async () =>
    (
      await test.database.query<TellingRow>(
        `select q.name as queue, r.id as place, j.payload from simple_queue.job j join simple_queue.queue q on q.id = j.queue
         left join simple_queue.ready r on r.lane = j.lane and r.id = j.id where q.name in ('order-outcomes', 'audit') order by j.id`,
      )
    ).map(({ queue, place, payload }) => ({ ready: place !== null, to: queue, ...payload }));
  const running = (name = 'pay') => test.rows.job({ queue: 'orders', name, state: 'running' });
  const enqueue = async (options: Partial<EnqueueItem> = {}) =>
    (await enqueuer.enqueue('orders', { payload: 1, name: 'pay', ...options }, {})).id;
  const success = ({ id, epoch }: { id: string; epoch: number }, output?: string) => ({
    ...{ id, epoch, runMs: 1, keepMs: undefined, output },
  });
  const end = (id: string, state: string, more: object = {}) => ({
    ...{ ready: true, to: 'order-outcomes', id, queue: 'orders', name: 'pay', state },
    ...more,
  });
  const bury = async ({ id, epoch }: { id: string; epoch: number }, state = 'failed') => {
    const error = { name: 'Error', message: 'no' };
    const verdict = { state, spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS, error } as never;
    return test.storage.settlements.bury('w', [{ id, epoch, verdict }]);
  };

  it('of successes in a batch, with what they returned, kept or not, and of no run that lost its job', async () => {
    const [plain, kept, late] = [await running(), await running(), await running()];
    const successes = [success(plain, '{"a":null}'), { ...success(kept), keepMs: DAY_MS }];
    const lost = success({ ...late, epoch: 7 });
    const { lanes, lost: ids } = await test.storage.groups.settle('w', [...successes, lost], {
      hasOutcomes: true,
    });
    expect(ids).toEqual([late.id]);
    expect(lanes).toHaveLength(1);
    expect(await told()).toEqual(
      expect.arrayContaining([end(plain.id, 'succeeded', { output: { a: null } }), end(kept.id, 'succeeded')]), // prettier-ignore
    );
    expect(await told()).toHaveLength(2);
  });

  it('of a completion in a transaction if and only if that commits', async () => {
    const job = await running();
    const complete = () =>
      test.dataSource.transaction(async (manager) => {
        const run = runIn(test.storage, manager);
        await test.storage.settlements.complete(run, 'w', success(job, '7'), { hasOutcomes: true });
        const taken: unknown[] = await manager.query('select 1 from taken');
        if (taken.length > 0) throw new Error('back');
      });
    await test.database.query('create table taken as select 1');
    await expect(complete()).rejects.toThrow('back');
    expect(await told()).toEqual([]);
    await test.database.query('delete from taken');
    await complete();
    expect(await told()).toEqual([end(job.id, 'succeeded', { output: 7 })]);
  });

  it('of what failed, was cancelled while it ran, or whose row cannot be stored', async () => {
    const [dead, cancelled, apart] = [await running(), await running(), await running()];
    await bury(dead, 'critical');
    await test.database.query('update simple_queue.job set cancel_at = now() where id = $1', [
      cancelled.id,
    ]);
    await bury(cancelled);
    const error = { name: 'Error', message: 'no' };
    await test.storage.settlements.setApart('w', apart, { keepMs: DAY_MS, error });
    const ends = [end(dead.id, 'critical', { error }), end(cancelled.id, 'cancelled', { error }), end(apart.id, 'poisoned', { error })]; // prettier-ignore
    expect(await told()).toEqual(expect.arrayContaining(ends));
    await bury(dead);
    expect(await told()).toHaveLength(3);
  });

  it('of a cancel by any process, of what waits, is staged or has lost its place, if that commits', async () => {
    const ids = [await enqueue(), await enqueue({ delayMs: 60_000 }), await enqueue({ group: 'b' }), await enqueue({ group: 'a', ordered: true }), await enqueue({ staged: true }), await enqueue()]; // prettier-ignore
    await test.database.query('delete from simple_queue.ready where id = $1', [ids[5]]);
    // The command line knows no option of a queue.
    const other = await openStorage(test.dataSource);
    try {
      const runner = test.dataSource.createQueryRunner();
      await runner.startTransaction();
      await other.cancels.byId(runIn(other, runner), ids, KEEP);
      await runner.rollbackTransaction();
      expect(await told()).toEqual([]);
      await runner.startTransaction();
      await other.cancels.byId(runIn(other, runner), ids, KEEP);
      await runner.commitTransaction();
      await runner.release();
    } finally {
      await other.onApplicationShutdown();
    }
    const rows = await told();
    expect(rows).toEqual(expect.arrayContaining(ids.map((id) => end(id, 'cancelled'))));
    expect(rows).toHaveLength(ids.length);
  });

  it('of what is poisoned, was cancelled under a dead process, or was never committed', async () => {
    const options = {
      queue: 'orders',
      name: 'pay',
      state: 'running',
      lease: randomUUID(),
    } as const;
    const poisoned = await test.rows.job({ ...options, suspicion: 3, stalls: 5 });
    const cancelled = await test.rows.job({ ...options, cancelRequested: true });
    const back = await test.rows.job(options);
    const staged = await enqueue({ staged: true });
    await test.storage.leases.reapAll(RULES);
    await test.database.query(`update simple_queue.job set commit_by = now() - interval '1 ms' where id = $1`, [staged]); // prettier-ignore
    await test.storage.staged.expire(KEEP);
    const rows = await told();
    const code = (text: string) => ({ error: expect.objectContaining({ code: text }) });
    expect(rows).toEqual(
      expect.arrayContaining([end(poisoned.id, 'poisoned', code('JOB_POISONED')), end(cancelled.id, 'cancelled'), end(staged, 'expired', code('COMMIT_EXPIRED'))]), // prettier-ignore
    );
    expect(rows.map(({ id }) => id)).not.toContain(back.id);
    expect(rows).toHaveLength(3);
  });

  it('goes on from queue to queue, and says nothing of a queue without the option', async () => {
    const other = await test.rows.job({ queue: 'mail', state: 'running' });
    await bury(other);
    const job = await test.rows.job({ queue: 'order-outcomes', state: 'running' });
    await bury(job, 'unprocessable');
    expect(await told()).toEqual([
      expect.objectContaining({ to: 'audit', queue: 'order-outcomes', id: job.id }),
    ]);
  });

  it('keeps the lane of outcomes, and the queue that tells, however long nobody uses them', async () => {
    await test.database.query(`update simple_queue.lane set created_at = now() - interval '9 days', unused_at = now() - interval '9 days'`); // prettier-ignore
    await test.storage.unusedLanes.note(0);
    await test.storage.unusedLanes.remove(1);
    const names = await test.database.query<{ name: string }>('select q.name from simple_queue.outcome x join simple_queue.lane l on l.id = x.lane join simple_queue.queue q on q.id = x.queue'); // prettier-ignore
    expect(names.map(({ name }) => name).toSorted()).toEqual(['order-outcomes', 'orders']);
  });

  it.each([
    ['itself', { a: 'a' }],
    ['one of its own', { a: 'b', b: 'c', c: 'a' }],
    ['one that another process declared', { 'order-outcomes': 'orders' }],
    ['one further on', { audit: 'orders' }],
  ])('refuses a circle through %s at the start', async (_, pairs: Record<string, string>) => {
    const queues = Object.fromEntries(
      Object.entries(pairs).map(([queue, outcomes]) => [queue, { outcomes }]),
    );
    await expect((async () => openStorage(test.dataSource, { queues }))()).rejects.toMatchObject({
      code: 'OUTCOMES_CIRCULAR',
      message: expect.stringContaining(' -> '),
    });
    expect(await test.database.query('select from simple_queue.outcome')).toHaveLength(2);
  });

  it('refuses a queue in which jobs wait for each other', () => {
    for (const target of [
      { ordered: true },
      { fair: true },
      { perKey: { by: 'a', concurrency: 1 } },
    ])
      // prettier-ignore
      expect(() =>
        openStorage(test.dataSource, { queues: { a: { outcomes: 'b' }, b: target } }),
      ).toThrow('queues.a.outcomes: queue b cannot be ordered');
  });

  it.each([{ ordered: true }, { fair: true }, { perKey: { by: 'a', concurrency: 1 } }])(
    'refuses %j of a queue of outcomes, also where another process has declared them',
    async (settings) => {
      const open = async (queues: object) => openStorage(test.dataSource, { queues } as never);
      await expect(open({ audit: settings })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(
          'queues.order-outcomes.outcomes: queue audit cannot be ordered',
        ),
      });
      // Those that it is to have no more are no hindrance.
      const other = await open({ audit: settings, 'order-outcomes': { outcomes: false } });
      await other.onApplicationShutdown();
      await test.storage.outcomes.declare();
    },
  );

  it('is said once by a worker of an ordered queue that another process names later', async () => {
    const ours = await openStorage(test.dataSource, { queues: { ledger: { ordered: true } } });
    const watch = new TroubleWatch(ours, test.options, test.events);
    const said: string[] = [];
    const stop = test.events.on('warning', ({ code, message }) => void said.push(`${code} ${message}`)); // prettier-ignore
    await watch.look();
    const other = await openStorage(test.dataSource, {
      queues: { audit: { outcomes: 'ledger' } },
    });
    for (let looks = 0; looks < 2; looks++) await watch.look();
    expect(said.filter((each) => each.startsWith('OPTIONS_SUSPICIOUS'))).toEqual([
      expect.stringContaining('queues.audit.outcomes: queue ledger cannot be ordered'),
    ]);
    stop();
    for (const each of [ours, other]) await each.onApplicationShutdown();
    await test.database.query(`delete from simple_queue.outcome where queue = (select id from simple_queue.queue where name = 'audit')`); // prettier-ignore
  });

  it('is over where a process says so, and comes back with emptied tables', async () => {
    const until = async (storage: Storage): Promise<number> => {
      await storage.onApplicationShutdown();
      return (await test.database.query('select from simple_queue.outcome')).length;
    };
    expect(await until(await openStorage(test.dataSource, { queues: { orders: {} } }))).toBe(2);
    expect(await until(await openStorage(test.dataSource, { queues: { orders: { outcomes: false } } }))).toBe(1); // prettier-ignore
    const job = await running();
    await bury(job);
    expect(await told()).toEqual([]);
    await test.rows.clear();
    await test.database.query('delete from simple_queue.lane; delete from simple_queue.queue; delete from simple_queue.outcome'); // prettier-ignore
    await test.storage.outcomes.declare();
    await bury(await running());
    expect(await told()).toHaveLength(1);
  });
});
