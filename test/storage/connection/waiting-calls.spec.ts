import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { PostgresJobQueue } from '../../../lib/pull/postgres-job-queue.js';
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
import { patient, scaled } from '../../support/patience.mjs';
import { checkPlaces } from '../../support/check-places.js';

const { options } = resolveOptions({});
const MANY = 5;

describe('calls that wait for the transactions of others', () => {
  let test: TestStorage;
  let queues: QueueService;
  let pull: PostgresJobQueue;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, options, test.events);
    pull = new PostgresJobQueue({ storage: test.storage, options, events: test.events, queues });
    await test.storage.lanes.of('mails', '');
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const id = randomUUID();
  type Held = (manager?: EntityManager) => Promise<unknown>;

  it.each<[string, Held]>([
    ['a unique key', (manager) => queues.enqueue('mails', 1, { uniqueKey: 'key', manager })],
    ['an id', (manager) => queues.enqueue('mails', 1, { id, manager })],
    [
      'an ordered group',
      (manager) => queues.enqueue('mails', 1, { group: 'g', ordered: true, manager }),
    ],
    ['a limit', (manager) => queues.enqueue('mails', 1, { maxPending: 100, manager })],
    [
      'a key to replace',
      (manager) => queues.enqueue('mails', 1, { uniqueKey: 'key', onConflict: 'replace', manager }),
    ],
    [
      'a key of a batch',
      (manager) =>
        queues.enqueueMany('mails', [{ payload: 1, uniqueKey: 'key' }, { payload: 2 }], {
          manager,
        }),
    ],
  ])('hold up nobody who waits for nothing: %s', async (_what, held) => {
    await queues.enqueue('mails', 'pulled');
    const { leaseId, jobs } = await pull.claim({ workerId: 'w', queues: ['mails'], limit: 1 });
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await held(holder.manager);
    const waiting = Array.from({ length: MANY }, () => held());
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

    const plain = await queues.enqueue('mails', 'plain');
    await queues.enqueueMany('mails', [
      { payload: 'plain' },
      { payload: 'later', delayMs: 60_000 },
    ]);
    expect(await queues.find(plain.id)).toMatchObject({ payload: 'plain' });
    expect(await pull.renewLease(leaseId, 60_000)).toEqual({ lost: [], cancelled: [] });
    await pull.complete(leaseId, jobs[0]!.id);
    expect((await pull.claim({ workerId: 'w', queues: ['mails'], limit: 1 })).jobs).toHaveLength(1);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

    await holder.commitTransaction();
    await holder.release();
    await Promise.all(waiting);
  });

  it('hold up nobody who may wait, and need not: 16 for one key', async () => {
    const { id: staged } = await queues.enqueue('mails', 0, { staged: true });
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueue('mails', 1, { uniqueKey: 'hot', manager: holder.manager });
    const waiting = Array.from({ length: 16 }, () =>
      queues.enqueue('mails', 2, { uniqueKey: 'hot' }),
    );
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

    expect(await queues.cancel({ id: randomUUID() })).toEqual({ cancelled: 0, requested: 0 });
    expect(await queues.commit(staged)).toMatchObject({ outcome: 'committed' });
    for (const options of [
      { uniqueKey: 'cold' },
      { id },
      { group: 'g', ordered: true },
      { maxPending: 100 },
    ])
      expect(await queues.enqueue('mails', 3, options)).toMatchObject({ created: true });
    const batch = [
      { payload: 1, uniqueKey: 'new', onConflict: 'replace' as const },
      { payload: 2 },
    ];
    expect(await queues.enqueueMany('mails', batch)).toMatchObject([
      { created: true },
      { created: true },
    ]);

    await holder.commitTransaction();
    await holder.release();
    expect(new Set((await Promise.all(waiting)).map(({ outcome }) => outcome))).toEqual(
      new Set(['existing']),
    );
  });

  it('hold up no other that carries as much', async () => {
    const heavy = 'x'.repeat(900_000);
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueue('mails', 1, { uniqueKey: 'hot', manager: holder.manager });
    const waiting = Array.from({ length: 3 }, () =>
      queues.enqueue('mails', heavy, { uniqueKey: 'hot' }),
    );
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

    const other = await queues.enqueue('mails', heavy, { uniqueKey: 'cold' });
    expect(other).toMatchObject({ created: true });
    expect(await waitingBackends(test.database)).toBe(1);

    await holder.commitTransaction();
    await holder.release();
    for (const { outcome } of await Promise.all(waiting)) expect(outcome).toBe('existing');
  });

  it('say that they wait for others where all connections for waiting are taken, and blame no database', async () => {
    const dataSource = await aDataSource(test.database.url, { connectTimeoutMS: scaled(2_000) });
    const storage = await openStorage(dataSource, { queryTimeoutMs: 60_000 });
    const crowd = new QueueService(storage, options, test.events);
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueue('mails', 1, { uniqueKey: 'key', manager: holder.manager });
    const refused: unknown[] = [];
    const waiting = Array.from({ length: 16 }, () =>
      crowd
        .enqueue('mails', 2, { uniqueKey: 'key' })
        .catch((error: unknown) => void refused.push(error)),
    );
    await eventually(() => expect(refused).toHaveLength(15));
    await holder.commitTransaction();
    await holder.release();
    await Promise.all(waiting);
    for (const error of refused)
      expect(error).toMatchObject({
        code: 'LOCK_TIMEOUT',
        message: expect.stringContaining('Nothing was written'),
      });
    await storage.onApplicationShutdown();
    await dataSource.destroy();
  });

  it('pass others by for one key, however many they are, and each key has a place to wait', async () => {
    const dataSource = await aDataSource(test.database.url, { connectTimeoutMS: patient(10_000) });
    const storage = await openStorage(dataSource, { queryTimeoutMs: 60_000 });
    const crowd = new QueueService(storage, options, test.events);
    const [hot, warm] = [test.dataSource.createQueryRunner(), test.dataSource.createQueryRunner()];
    for (const [runner, uniqueKey] of [
      [hot, 'hot'],
      [warm, 'warm'],
    ] as const) {
      await runner.startTransaction();
      await queues.enqueue('mails', 1, { uniqueKey, manager: runner.manager });
    }
    const first = crowd.enqueue('mails', 2, { uniqueKey: 'hot' });
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    // Each a tenth of a second on the first connections: they would be taken for longer than the cold ones wait.
    const others = Array.from({ length: 2_000 }, () =>
      crowd.enqueue('mails', 2, { uniqueKey: 'hot' }),
    );
    const waiting = crowd.enqueue('mails', 2, { uniqueKey: 'warm' });
    for (const each of [
      { uniqueKey: 'cold' },
      { id: randomUUID() },
      { group: 'other', ordered: true },
      { maxPending: 1_000 },
    ])
      expect(await crowd.enqueue('mails', 3, each)).toMatchObject({ created: true });
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(2));
    await warm.commitTransaction();
    expect(await waiting).toMatchObject({ outcome: 'existing' });
    expect(await waitingBackends(test.database)).toBe(1);
    await hot.commitTransaction();
    expect(new Set((await Promise.all([first, ...others])).map(({ outcome }) => outcome))).toEqual(
      new Set(['existing']),
    );
    await hot.release();
    await warm.release();
    await storage.onApplicationShutdown();
    await dataSource.destroy();
  });

  it('hold up no lease: completions that wait for a cancel of their job', async () => {
    await queues.enqueueMany(
      'mails',
      Array.from({ length: MANY }, (_, payload) => ({ payload, fingerprint: 'tag' })),
    );
    const claims = await Promise.all(
      Array.from({ length: MANY }, () =>
        pull.claim({ workerId: 'w', queues: ['mails'], limit: 1 }),
      ),
    );
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.cancel({ fingerprint: 'tag' }, { manager: holder.manager });
    const waiting = claims.map(({ leaseId, jobs }) => pull.complete(leaseId, jobs[0]!.id));
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(MANY));

    const { id: plain } = await queues.enqueue('mails', 'plain');
    expect(await queues.find(plain)).toMatchObject({ payload: 'plain' });
    const other = await pull.claim({ workerId: 'v', queues: ['mails'], limit: 1 });
    expect(await pull.renewLease(other.leaseId, 60_000)).toEqual({ lost: [], cancelled: [] });
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(MANY));

    await holder.rollbackTransaction();
    await holder.release();
    await Promise.all(waiting);
  });

  it('give up in the end, and say for what', async () => {
    const dataSource = await aDataSource(test.database.url);
    const given = { queryTimeoutMs: scaled(1_000) };
    const storage = await eventually(() => openStorage(dataSource, given));
    const hasty = new QueueService(storage, options, test.events);
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueue('mails', 1, { uniqueKey: 'key', manager: holder.manager });

    const refused = {
      name: 'DatabaseError',
      code: 'LOCK_TIMEOUT',
      sqlState: '55P03',
      message: expect.stringContaining('unique key'),
    };
    const enqueue = () => hasty.enqueue('mails', 2, { uniqueKey: 'key' });
    // A process that has no time reads the refusal too late.
    await eventually(() => expect(enqueue()).rejects.toMatchObject(refused));
    await holder.rollbackTransaction();
    await eventually(enqueue);

    await holder.release();
    await storage.onApplicationShutdown();
    await dataSource.destroy();
  });
});
