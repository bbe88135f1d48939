import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { EnqueueOptions } from '../../../lib/job/enqueue-options.js';
import { endedJobs } from '../../support/ended-jobs.js';
import { eventually } from '../../support/eventually.js';
import { aStorage, waitingBackends, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const { options } = resolveOptions({});

describe("the memory of callers' ids", () => {
  let test: TestStorage;
  let queues: QueueService;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, options, test.events);
    await test.storage.lanes.of('mails', '');
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const create = (id: string, more: EnqueueOptions = {}) =>
    queues.enqueue('mails', 1, { id, ...more });
  const created = (id: string) => ({ id, created: true, outcome: 'created' });
  const existing = (id: string) => ({ id, created: false, outcome: 'existing' });
  const notes = async () =>
    (
      await test.database.query<{ id: string }>(
        'select id::text from simple_queue.given_id order by noted_at',
      )
    ).map(({ id }) => id);
  const end = (id: string, manager?: EntityManager) =>
    queues.cancel({ id }, manager ? { manager } : {});
  const purge = (id: string) => test.storage.revivals.purgeEnded([id], ['cancelled']);
  const forgetful = () =>
    new QueueService(test.storage, resolveOptions({ archive: false }).options, test.events);

  it('notes what a caller gives, and nothing else', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()].toSorted();
    await queues.enqueue('mails', 1);
    await queues.enqueue('mails', 1, { uniqueKey: 'key' });
    await create(ids[0]!);
    await queues.enqueueMany('mails', [
      { payload: 1 },
      { payload: 1, id: ids[1]! },
      { payload: 1, id: ids[2]!, group: 'g', ordered: true },
    ]);
    expect((await notes()).toSorted()).toEqual(ids);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['is purged', async (id) => (await end(id), purge(id))],
    ['is not kept', (id) => forgetful().cancel({ id })],
    [
      'was lost with its table',
      () =>
        test.database.query(
          'truncate simple_queue.job, simple_queue.ready, simple_queue.blocked, simple_queue.head',
        ),
    ],
  ])('lets an id come again whose job %s, and once', async (_what, lose) => {
    for (const more of [
      {},
      { group: 'g', ordered: true },
      { uniqueKey: 'key' },
      { delayMs: 9_000 },
    ]) {
      const id = randomUUID();
      expect(await create(id, more)).toEqual(created(id));
      await lose(id);
      const answers = await Promise.all(Array.from({ length: 8 }, () => create(id, more)));
      expect(answers.filter((answer) => answer.created)).toHaveLength(1);
      expect(await queues.find(id)).toMatchObject({ id });
      await test.rows.clear();
    }
  });

  it.each<[string, (manager: EntityManager, id: string) => Promise<unknown>, boolean]>([
    ['that is kept is known', (manager, id) => end(id, manager), false],
    ['that is not kept is free', (manager, id) => forgetful().cancel({ id }, { manager }), true],
  ])('sees what has ended in the very transaction: an id %s', async (_what, finish, comesIn) => {
    for (const level of ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const) {
      const id = randomUUID();
      await create(id);
      await test.dataSource.transaction(level, async (manager) => {
        await finish(manager, id);
        expect((await create(id, { manager })).created).toBe(comesIn);
        expect(await queues.find(id, { manager })).toMatchObject({
          id,
          state: comesIn ? 'ready' : 'cancelled',
        });
      });
    }
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'answers a caller in %s by its snapshot, or 40001',
    async (level) => {
      const [before, after] = [randomUUID(), randomUUID()];
      await create(before);
      await test.dataSource.transaction(level, async (manager) => {
        await manager.query('select count(*) from simple_queue.job');
        await end(before);
        expect(await create(before, { manager })).toEqual(existing(before));
      });
      const late = test.dataSource.transaction(level, async (manager) => {
        await manager.query('select count(*) from simple_queue.job');
        await create(after);
        await end(after);
        return create(after, { manager });
      });
      await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT', sqlState: '40001' });
    },
  );

  it.each(['commit', 'rollback'] as const)(
    'makes a second enqueue wait for the first, and for its %s',
    async (how) => {
      for (const isFree of [false, true]) {
        const id = randomUUID();
        if (isFree)
          await forgetful()
            .enqueue('mails', 1, { id })
            .then(() => forgetful().cancel({ id }));
        const holder = test.dataSource.createQueryRunner();
        await holder.startTransaction();
        expect(await create(id, { manager: holder.manager })).toEqual(created(id));
        const second = create(id);
        await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
        await (how === 'commit' ? holder.commitTransaction() : holder.rollbackTransaction());
        await holder.release();
        expect(await second).toEqual(how === 'commit' ? existing(id) : created(id));
      }
    },
  );

  it('lets nobody take over an id that another has taken over, and whose job has ended meanwhile', async () => {
    const id = randomUUID();
    await create(id);
    await end(id);
    await purge(id);
    const { givenIds, database } = test.storage;
    const { free } = await givenIds.look(database.callers.run, [id]);
    await create(id);
    await end(id);
    await givenIds.forget(database.callers.run, free);
    expect(await create(id)).toEqual(existing(id));
  });

  it('answers each of a large batch: new, live, kept, free and twice', async () => {
    const ids = Array.from({ length: 12_000 }, () => randomUUID());
    const items = ids.map((id) => ({ payload: 1, id }));
    // The first 2,000 live.
    const [kept, free] = [ids.slice(2_000, 4_000), ids.slice(4_000, 6_000)];
    await queues.enqueueMany('mails', items.slice(0, 6_000));
    await test.storage.cancels.byId(test.storage.database.callers.run, kept, { '': DAY_MS });
    await test.storage.cancels.byId(test.storage.database.callers.run, free, {});
    const twice = ids.slice(11_000, 11_100);
    const answers = await queues.enqueueMany('mails', [...items, ...items.slice(11_000, 11_100)]);
    const isNew = new Set([...free, ...ids.slice(6_000)]);
    expect(answers.map((answer) => answer.created)).toEqual([
      ...ids.map((id) => isNew.has(id)),
      ...twice.map(() => false),
    ]);
  });

  it('knows ids of the library that are given again, live, kept and revived, and forgets them when they are purged', async () => {
    const { id } = await queues.enqueue('mails', 1);
    const [made] = await test.database.query<{ id: string }>(
      `select id::text from simple_queue.enqueue('mails')`,
    );
    for (const known of [id, made!.id]) {
      expect(await create(known)).toEqual(existing(known));
      await test.database.query('delete from simple_queue.given_id');
      await end(known);
      expect(await create(known)).toEqual(existing(known));
      expect(await test.storage.revivals.revive([known], ['cancelled'])).toHaveLength(1);
      expect(await create(known)).toEqual(existing(known));
      await end(known);
      await purge(known);
      expect(await create(known)).toEqual(created(known));
    }
  });

  it('asks nothing that is kept for an id that is new or live', async () => {
    await endedJobs(test, 10);
    const id = randomUUID();
    await test.dataSource.transaction(async (manager) => {
      await create(id, { manager });
      await create(id, { manager });
      const locks = await manager.query<{ n: number }[]>(
        `select count(*)::int as n from pg_locks l join pg_class c on c.oid = l.relation
         where l.pid = pg_backend_pid() and relname ~ '^(archive|dead_letter)'`,
      );
      expect(locks).toEqual([{ n: 0 }]);
    });
  });

  it('lets notes go that have no job any more, oldest first, and looks at the others again later', async () => {
    const [live, kept, gone, young] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    for (const id of [live, kept, gone]) await create(id);
    await end(kept);
    await forgetful().cancel({ id: gone });
    await test.database.query(
      `update simple_queue.given_id set noted_at = noted_at - interval '10 days'`,
    );
    await create(young);
    const { givenIds } = test.storage;
    expect(await givenIds.purge(9 * DAY_MS)).toBe(3);
    expect((await notes()).toSorted()).toEqual([live, kept, young].toSorted());
    expect(await givenIds.purge(9 * DAY_MS)).toBe(0);
    expect(await create(kept)).toEqual(existing(kept));
  });

  it('looks at a thousand notes at a time, and passes by those that somebody takes over', async () => {
    const ids = Array.from({ length: 1_001 }, () => randomUUID());
    await queues.enqueueMany(
      'mails',
      ids.map((id) => ({ payload: 1, id })),
    );
    await test.database.query('truncate simple_queue.job, simple_queue.ready');
    await test.database.query(
      `update simple_queue.given_id set noted_at = noted_at - interval '10 days'`,
    );
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    expect(await create(ids[0]!, { manager: holder.manager })).toEqual(created(ids[0]!));
    expect(await test.storage.givenIds.purge(0)).toBe(1_000);
    await holder.commitTransaction();
    await holder.release();
    expect(await notes()).toEqual([ids[0]]);
    expect(await create(ids[0]!)).toEqual(existing(ids[0]!));
  });
});
