import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { QueueError } from '../../../lib/job/queue.errors.js';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { eventually } from '../../support/eventually.js';
import {
  aDataSource,
  aStorage,
  openStorage,
  waitingBackends,
  type TestStorage,
} from '../../support/storage.js';
import { recordStatements } from '../../support/recorded-statements.js';
import { patient } from '../../support/patience.mjs';
import { checkPlaces } from '../../support/check-places.js';

const HOUR_MS = 3_600_000;
const FULL = { code: 'QUEUE_FULL' };
/** All places where a new job may wait. */
const KINDS = [
  {},
  { delayMs: HOUR_MS },
  { staged: true },
  { group: 'a', ordered: true },
  { group: 'b', ordered: true, staged: true },
];

describe('back pressure', () => {
  let test: TestStorage;
  let queues: QueueService;

  beforeAll(async () => {
    test = await aStorage();
    const { options } = resolveOptions({ queues: { small: { maxPending: 3 } } });
    queues = new QueueService(test.storage, options, new QueueEventBus());
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const held = async () => (await test.database.query('select from simple_queue.job')).length;
  const items = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, payload) => ({ payload, ...more }));

  it.each([['ready'], ['scheduled'], ['suspect']] as const)(
    'counts jobs that wait as %s',
    async (state) => {
      await test.rows.jobs(2, { state });
      await expect(queues.enqueue('mail', 1, { maxPending: 2 })).rejects.toMatchObject(FULL);
      expect(await queues.enqueue('mail', 1, { maxPending: 3 })).toMatchObject({ created: true });
    },
  );

  describe('of calls at once', () => {
    const calls = (count: number, maxPending: (n: number) => number) =>
      Promise.allSettled(
        Array.from({ length: count }, (_, n) => queues.enqueue('mail', n, { maxPending: maxPending(n) })),
      ); // prettier-ignore
    const stored = (results: PromiseSettledResult<unknown>[]) =>
      results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));

    it('counts once for all that fit', async () => {
      const sent = recordStatements();
      const results = await calls(20, () => 20);
      sent.stop();
      expect(stored(results)).toHaveLength(20);
      expect(sent.names.filter((name) => name.includes('as pending'))).toHaveLength(1);
      expect(await held()).toBe(20);
    });

    it('lets in as many as there is room for, and refuses the others one by one', async () => {
      const results = await calls(20, () => 7);
      expect(stored(results)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      for (const result of results.slice(7)) expect(result).toMatchObject({ reason: FULL });
      expect(await held()).toBe(7);
    });

    it('keeps to the limit of each', async () => {
      const results = await calls(6, (n) => (n % 2 === 0 ? 2 : 100));
      expect(stored(results)).toEqual([0, 1, 3, 5]);
      expect(await held()).toBe(4);
    });
  });

  describe('far from a limit', () => {
    const MOST = 10_000;
    const add = (count: number, most = MOST) =>
      queues.enqueueMany('mail', items(count), { maxPending: most });
    const headroom = async () =>
      (await test.database.query<{ free: number }>('select free from simple_queue.headroom'))[0]
        ?.free;
    /** Whatever the speed of this machine, the count holds, or holds no more. */
    const holds = (how: string) =>
      test.database.query(`update simple_queue.headroom set counted_at = now() ${how}`);
    const countsOf = async (calls: () => Promise<unknown>) => {
      const sent = recordStatements();
      await calls();
      sent.stop();
      return sent.names.filter((name) => name.includes('as pending')).length;
    };

    it('takes from half of what was free, and counts again where that is used up or old', async () => {
      expect(await countsOf(() => add(10))).toBe(1);
      expect(await headroom()).toBe(4_995);
      await holds(`+ interval '1 hour'`);
      expect(await countsOf(async () => void [await add(1), await add(4_000)])).toBe(0);
      expect(await headroom()).toBe(994);
      expect(await countsOf(() => add(1_000))).toBe(1);
      expect(await headroom()).toBe(2_494);
      await holds(`- interval '2 seconds'`);
      expect(await countsOf(() => add(1))).toBe(1);
    });

    it('counts for another limit, and behind a SQL producer, and keeps to the limit', async () => {
      await add(10);
      await holds(`+ interval '1 hour'`);
      await expect(add(3, 12)).rejects.toMatchObject(FULL);
      expect(await countsOf(() => add(1, 20_000))).toBe(1);
      await holds(`+ interval '1 hour'`);
      await test.database.query(`select simple_queue.enqueue('mail', max_pending => 20000)`);
      expect(await headroom()).toBeUndefined();
      await add(MOST - 12);
      expect(await headroom()).toBe(0);
      await expect(add(1)).rejects.toMatchObject(FULL);
      expect(await held()).toBe(MOST);
    });

    it('takes nothing for a transaction that rolls back', async () => {
      await add(10);
      await holds(`+ interval '1 hour'`);
      const gone = new Error('rolled back');
      const within = test.dataSource.transaction(async (manager) => {
        await queues.enqueueMany('mail', items(100), { maxPending: MOST, manager });
        throw gone;
      });
      await expect(within).rejects.toBe(gone);
      expect(await headroom()).toBe(4_995);
    });

    it('never lets in more than the limit, however many processes take at once', async () => {
      // Thirty calls of a process stand in one line, and none of them gives up.
      const [line, statement] = [{ connectTimeoutMS: patient(10_000) }, { queryTimeoutMs: 60_000 }];
      const sources = await Promise.all([1, 2, 3].map(() => aDataSource(test.database.url, line)));
      const storages = await Promise.all(sources.map((source) => openStorage(source, statement)));
      const { options } = resolveOptions({});
      const services = storages.map((each) => new QueueService(each, options, new QueueEventBus()));
      const results = await Promise.allSettled(
        Array.from({ length: 90 }, (_, n) =>
          services[n % 3]!.enqueueMany('mail', items(70), { maxPending: 5_000 }),
        ),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(71);
      expect(await held()).toBe(71 * 70);
      await Promise.all(storages.map((each) => each.onApplicationShutdown()));
      await Promise.all(sources.map((source) => source.destroy()));
    });
  });

  it('counts what waits for its turn in any group of the queue, or for its commit, each job once', async () => {
    await queues.enqueueMany('mail', [1, 2].flatMap((n) => items(2, { group: `g${n}`, ordered: true }))); // prettier-ignore
    await queues.enqueueMany('mail', [
      { payload: 1, staged: true },
      ...items(2, { group: 'g2', ordered: true, staged: true }),
    ]);
    const { id } = await queues.enqueue('mail', 1, {
      group: 'g3',
      ordered: true,
      delayMs: HOUR_MS,
    });
    await queues.enqueueMany('letters', items(3, { group: 'g1', ordered: true, staged: true }));
    await expect(queues.enqueue('mail', 1, { maxPending: 8 })).rejects.toMatchObject(FULL);
    await expect(queues.enqueue('mail', 1, { maxPending: 8, staged: true })).rejects.toMatchObject(
      FULL,
    );
    await queues.cancel({ id });
    expect(
      await queues.enqueue('mail', 1, { maxPending: 8, group: 'g4', ordered: true, staged: true }),
    ).toMatchObject({
      created: true,
    });
  });

  it('a staged job holds its room from the enqueue on: a commit is never refused, and an abort gives it back', async () => {
    const staged = await queues.enqueueMany('small', items(3, { staged: true }));
    await expect(queues.enqueue('small', 4)).rejects.toMatchObject(FULL);
    expect(await queues.commit(staged[0]!.id)).toMatchObject({ won: true });
    await expect(queues.enqueue('small', 4)).rejects.toMatchObject(FULL);
    expect(await queues.abort(staged[1]!.id)).toMatchObject({ won: true });
    expect(await queues.enqueue('small', 4, { group: 'a', ordered: true })).toMatchObject({
      created: true,
    });
  });

  it('counts all names of the queue, however they were enqueued; not what runs, nor another queue', async () => {
    await test.rows.job({ name: 'welcome' });
    await test.rows.jobs(3, { state: 'running' });
    await test.rows.jobs(3, { queue: 'letters' });
    expect(await queues.enqueue('mail', 1, { maxPending: 2 })).toMatchObject({ created: true });
    await expect(queues.enqueue('mail', 1, { maxPending: 2 })).rejects.toMatchObject({
      ...FULL,
      message:
        'The job was refused: queue "mail" may hold 2 waiting jobs (maxPending). Enqueue later, or raise the limit.',
    });
  });

  it('takes the limit of the queue where the call gives none', async () => {
    await queues.enqueueMany('small', items(3));
    await expect(queues.enqueue('small', 1)).rejects.toMatchObject(FULL);
    expect(await queues.enqueue('small', 1, { maxPending: 4 })).toMatchObject({ created: true });
  });

  it.each([
    ['by the queue', 'small', {}],
    ['by the call', 'mail', { maxPending: 3 }],
  ])('is not coalesced past: %s', async (_, queue, options) => {
    const answers = await Promise.allSettled(
      items(40).map(({ payload }) => queues.enqueue(queue, payload, options)),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await held()).toBe(3);
  });

  it(
    'the queue limit under a race: exact among 32 producers of several processes, in transactions and without',
    async () => {
      const sources = await Promise.all(
        [1, 2, 3, 4].map(() => aDataSource(test.database.url, { extra: { max: 8 } })),
      );
      const storages = await Promise.all(sources.map((dataSource) => openStorage(dataSource)));
      const producers = storages.map(
        (storage) => new QueueService(storage, resolveOptions({}).options, new QueueEventBus()),
      );
      const produce = async (n: number): Promise<number> => {
        const [dataSource, producer] = [sources[n % 4]!, producers[n % 4]!];
        let stored = 0;
        for (let turn = 0; turn < 12; turn++) {
          const options = { ...KINDS[turn % KINDS.length], maxPending: 100 };
          const alone = () => producer.enqueue('mail', turn, options);
          const inside = () =>
            dataSource.transaction((manager) =>
              producer.enqueue('mail', turn, { ...options, manager }),
            );
          await (n % 2 ? alone() : inside()).then(() => stored++, expectFull);
          if (n % 4 === 0) await rollBack(dataSource, producer).catch(expectFull);
        }
        return stored;
      };

      const stored = await Promise.all(Array.from({ length: 32 }, (_, n) => produce(n)));

      expect(stored.reduce((sum, each) => sum + each)).toBe(100);
      expect(await held()).toBe(100);
      for (const storage of storages) await storage.onApplicationShutdown();
      for (const dataSource of sources) await dataSource.destroy();
    },
    patient(30_000),
  );

  /** Two jobs that hold room for as long as their transaction is open. */
  const rollBack = (dataSource: DataSource, producer: QueueService): Promise<void> =>
    dataSource.transaction(async (manager) => {
      await producer.enqueueMany('mail', items(2, { ...KINDS[3] }), { maxPending: 100, manager });
      throw new QueueError('QUEUE_FULL', 'not after all');
    });

  const expectFull = (error: unknown): void => expect(error).toMatchObject(FULL);

  it('lets in all items of a call, or none', async () => {
    await queues.enqueueMany('mail', items(3), { maxPending: 5 });
    await expect(queues.enqueueMany('mail', items(3), { maxPending: 5 })).rejects.toMatchObject(
      FULL,
    );
    expect(await held()).toBe(3);
    expect(await queues.enqueueMany('mail', items(2), { maxPending: 5 })).toHaveLength(2);
  });

  it('lets in no large batch that is too large, though plain ones are stored while they are read', async () => {
    await expect(
      queues.enqueueMany('mail', items(5_001), { maxPending: 5_000 }),
    ).rejects.toMatchObject(FULL);
    await expect(queues.enqueueMany('small', items(5_001))).rejects.toMatchObject(FULL);
    expect(await held()).toBe(0);
    expect(await queues.enqueueMany('mail', items(5_001), { maxPending: 5_001 })).toHaveLength(
      5_001,
    );
  });

  it('asks no room for what is known already, or changed', async () => {
    const known = await queues.enqueue('mail', 1, {
      uniqueKey: 'key',
      delayMs: HOUR_MS,
      maxPending: 1,
    });
    expect(await queues.enqueue('mail', 2, { uniqueKey: 'key', maxPending: 1 })).toEqual({
      ...{ id: known.id, created: false, outcome: 'existing' },
    });
    const replaced = queues.enqueue('mail', 3, {
      uniqueKey: 'key',
      onConflict: 'replace',
      maxPending: 1,
    });
    expect(await replaced).toMatchObject({ outcome: 'replaced' });
    await expect(
      queues.enqueue('mail', 4, { uniqueKey: 'other', maxPending: 1 }),
    ).rejects.toMatchObject(FULL);
    const many = [{ payload: 1, uniqueKey: 'key' }, { payload: 2, uniqueKey: 'other' }]; // prettier-ignore
    await expect(queues.enqueueMany('mail', many, { maxPending: 1 })).rejects.toMatchObject(FULL);
    expect(await queues.enqueueMany('mail', many, { maxPending: 2 })).toMatchObject([
      { created: false },
      { created: true },
    ]);
  });

  it("rolls back with the caller's transaction, and leaves it usable after a refusal", async () => {
    await queues.enqueue('small', 0, { uniqueKey: 'known' });
    const order = test.dataSource.transaction(async (manager) => {
      await queues.enqueueMany('small', items(2), { manager });
      throw new Error('bad order');
    });
    await expect(order).rejects.toThrow('bad order');
    expect(await held()).toBe(1);

    await test.dataSource.transaction(async (manager) => {
      await queues.enqueueMany('small', items(2), { manager });
      await expect(queues.enqueue('small', 3, { manager })).rejects.toMatchObject(FULL);
      await expect(queues.enqueue('small', 4, { manager, uniqueKey: 'new' })).rejects.toMatchObject(
        FULL,
      );
      expect(await queues.enqueue('small', 5, { manager, uniqueKey: 'known' })).toMatchObject({
        outcome: 'existing',
      });
      expect(await queues.enqueue('other', 6, { manager })).toMatchObject({ created: true });
    });
    expect(await held()).toBe(4);
  });

  it('waits for an open transaction that holds room, and takes it when that rolls back', async () => {
    const rival = test.dataSource.createQueryRunner();
    await rival.startTransaction();
    await queues.enqueueMany('small', items(3), { manager: rival });
    const waiting = queues.enqueue('small', 4);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    expect(await queues.enqueue('mail', 'another queue', { maxPending: 1 })).toMatchObject({
      created: true,
    });
    await rival.rollbackTransaction();
    await rival.release();
    expect(await waiting).toMatchObject({ created: true });
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'is refused in %s, which cannot see what others commit',
    async (level) => {
      await test.dataSource.transaction(level, async (manager) => {
        await expect(queues.enqueue('small', 1, { manager })).rejects.toMatchObject({
          code: 'ISOLATION_UNSUPPORTED',
          message: expect.stringContaining(`in a ${level} transaction`),
        });
        expect(await queues.enqueue('mail', 1, { manager })).toMatchObject({ created: true });
      });
      expect(await held()).toBe(1);
    },
  );

  it('is exact again after a producer died in its transaction: nothing but rows is counted', async () => {
    const dataSource = await aDataSource(test.database.url, { poolErrorHandler: () => undefined });
    const producer = dataSource.createQueryRunner();
    await producer.startTransaction();
    const [{ pid }] = (await producer.query('select pg_backend_pid() as pid')) as [{ pid: number }];
    await queues.enqueueMany('small', items(3), { manager: producer });
    const waiting = queues.enqueueMany('small', items(3));
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

    await test.database.query('select pg_terminate_backend($1)', [pid]);

    expect(await waiting).toHaveLength(3);
    await expect(queues.enqueue('small', 4)).rejects.toMatchObject(FULL);
    await dataSource.destroy();
  });
});
