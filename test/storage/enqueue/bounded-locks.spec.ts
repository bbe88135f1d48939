import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import type { EnqueueOptions } from '../../../lib/job/enqueue-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { missingPartitions } from '../../../lib/storage/schema/partition.repository.js';
import { eventually } from '../../support/eventually.js';
import { scaled } from '../../support/patience.mjs';
import { aStorage, openStorage, waitingBackends, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

/** What a server has room for, for each of its connections. */
const SHARE = 64;
const HELD = `select count(*)::int as n from pg_locks where pid = pg_backend_pid()`;
const ADVISORY = `${HELD} and locktype = 'advisory'`;
const { options } = resolveOptions({});

describe('locks of a transaction', () => {
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

  const locksIn = (work: (manager: EntityManager) => Promise<unknown>, query = HELD) =>
    test.dataSource.transaction(async (manager) => {
      await work(manager);
      return (await manager.query<{ n: number }[]>(query))[0]!.n;
    });
  const groups = (count: number, of = 'g') =>
    Array.from({ length: count }, (_, n) => ({ payload: n, group: `${of}${n}`, ordered: true }));

  it.each([
    [1, 2],
    [32, 33],
    [33, 1],
    [6_000, 1],
  ])('for %d ordered groups are %d', async (count, most) => {
    expect(
      await locksIn((manager) => queues.enqueueMany('mails', groups(count), { manager }), ADVISORY),
    ).toBe(most);
    expect(
      await locksIn((manager) => queues.enqueueMany('mails', groups(count), { manager }), ADVISORY),
    ).toBe(most);
  });

  it('let two large calls, and small ones beside them, all come in', async () => {
    const calls = [
      groups(2_000),
      groups(2_000).reverse(),
      groups(2_000, 'h'),
      groups(3),
      groups(40),
    ];
    const answers = await Promise.all(calls.map((items) => queues.enqueueMany('mails', items)));
    expect(answers.flat()).toHaveLength(6_043);
    const [head] = await test.database.query<{ n: number }>(
      'select count(*)::int as n from simple_queue.head',
    );
    expect(head!.n).toBe(4_000);
  });

  it.each([
    ['a small call waits for a large one', 40, 1],
    ['a large call waits for a small one', 1, 40],
  ])('keep the order of a group: %s', async (_which, first, second) => {
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueueMany('mails', groups(first), { manager: holder.manager });
    const waiting = queues.enqueueMany('mails', groups(second));
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await queues.enqueueMany('others', groups(40));

    const late = await queues.enqueue('mails', 'late', {
      group: 'g0',
      ordered: true,
      manager: holder.manager,
    });
    await holder.commitTransaction();
    await holder.release();
    const [last] = await waiting;
    const rows = await test.database.query<{ id: string }>(
      `select id from simple_queue.job where group_name = 'g0' and queue = (select id from simple_queue.queue where name = 'mails') order by seq`,
    );
    expect(rows.slice(1).map(({ id }) => id)).toEqual([late.id, last!.id]);
  });

  it('say what stands in the way of another group, where a call with many of them stays open', async () => {
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueueMany('mails', groups(2_000), { manager: holder.manager });
    const given = { queryTimeoutMs: scaled(500) };
    const hasty = await eventually(() => openStorage(test.dataSource, given));
    const impatient = new QueueService(hasty, options, test.events);
    // What takes longer on a busy machine is tried again.
    const enqueue = (more: EnqueueOptions) => eventually(() => impatient.enqueue('mails', 1, more));

    await eventually(() =>
      expect(
        impatient.enqueue('mails', 1, { group: 'another', ordered: true }),
      ).rejects.toMatchObject({
        code: 'LOCK_TIMEOUT',
        message: expect.stringMatching(
          /all of a queue, where one call had more than 32.*Nothing was/,
        ),
      }),
    );
    await enqueue({ group: 'unordered' });
    await enqueue({});

    await holder.commitTransaction();
    await holder.release();
    expect(await enqueue({ group: 'another', ordered: true })).toMatchObject({ created: true });
    await hasty.onApplicationShutdown();
  });

  it('keep the turn duty from groups of a large call that is open', async () => {
    const { id } = await queues.enqueue('mails', 1, { group: 'g0', ordered: true });
    await queues.cancel({ id });
    const holder = test.dataSource.createQueryRunner();
    await holder.startTransaction();
    await queues.enqueueMany('mails', groups(40), { manager: holder.manager });
    expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 0 });
    await holder.commitTransaction();
    await holder.release();
    expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 1 });
  });
});

const DAY_MS = 86_400_000;

describe.each([90, 400])(
  'locks of a transaction that asks for ids, with a retention of %d days',
  (days) => {
    let test: TestStorage;
    let queues: QueueService;

    beforeAll(async () => {
      test = await aStorage();
      const { partitions } = test.storage;
      for (const table of ['archive', 'dead_letter'] as const)
        for (const name of missingPartitions(table, await partitions.list(table), days * DAY_MS))
          await partitions.create(table, name);
      expect((await partitions.list('archive')).names.length).toBeGreaterThan(35);
      queues = new QueueService(test.storage, options, test.events);
      await test.storage.lanes.of('mails', '');
    });
    afterAll(() => test.close());

    const locksIn = (work: (manager: EntityManager) => Promise<unknown>) =>
      test.dataSource.transaction(async (manager) => {
        await work(manager);
        return (await manager.query<{ n: number }[]>(HELD))[0]!.n;
      });
    const enqueue = (id?: string, manager?: EntityManager) =>
      queues.enqueue('mails', 'payload', { delayMs: 9_000, id, manager });
    const cancel = (ids: string[], keepMs?: number) =>
      test.storage.cancels.byId(
        test.storage.database.callers.run,
        ids,
        keepMs === undefined ? {} : { '': keepMs },
      );
    const anId = async (given: boolean) => (await enqueue(given ? randomUUID() : undefined)).id;

    const FATES: [string, (id: string) => Promise<unknown>, boolean][] = [
      ['live', async () => undefined, false],
      ...[1, 40, days - 1, 2_000].map((kept): (typeof FATES)[number] => [
        `kept for ${kept} days`,
        (id) => cancel([id], kept * DAY_MS),
        false,
      ]),
      ['dead', async (id) => bury(id), false],
      ['gone', (id) => cancel([id]), true],
    ];
    /** As a worker buries it. */
    async function bury(id: string): Promise<void> {
      await cancel([id], DAY_MS);
      await test.database.query(
        `with moved as (delete from simple_queue.archive where id = $1 returning *) insert into simple_queue.dead_letter
       select (jsonb_populate_record(null::simple_queue.dead_letter, to_jsonb(moved) || '{"state": "failed"}')).* from moved`,
        [id],
      );
    }

    it.each(FATES)('are few for a job that is %s', async (_fate, meet, comesIn) => {
      for (const given of [true, false]) {
        const id = await anId(given);
        await meet(id);
        const found = await locksIn(async (manager) =>
          expect((await queues.find(id, { manager }))?.payload).toBe(
            comesIn ? undefined : 'payload',
          ),
        );
        const again = await locksIn(async (manager) =>
          expect((await enqueue(id, manager)).created).toBe(comesIn),
        );
        expect(Math.max(found, again)).toBeLessThan(SHARE);
        expect((await queues.find(id))?.payload).toBe('payload');
      }
    });

    it('are few for what is not known', async () => {
      const found = await locksIn(async (manager) =>
        expect(await queues.find(randomUUID(), { manager })).toBeUndefined(),
      );
      const stored = await locksIn(async (manager) =>
        expect((await enqueue(randomUUID(), manager)).created).toBe(true),
      );
      expect(Math.max(found, stored)).toBeLessThan(SHARE);
    });

    it('are few for a batch of ids of each kind', async () => {
      const ids: string[] = [];
      for (const [, meet] of FATES) await meet(ids[ids.push(await anId(true)) - 1]!);
      const items = [...ids, randomUUID()].map((id) => ({ payload: 1, id }));
      const locks = await locksIn(async (manager) => {
        const answers = await queues.enqueueMany('mails', items, { manager });
        expect(answers.map(({ created }) => created)).toEqual([
          ...FATES.map(([, , comesIn]) => comesIn),
          true,
        ]);
      });
      expect(locks).toBeLessThan(SHARE);
    });
  },
);
