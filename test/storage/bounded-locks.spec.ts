import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { QueueService } from '../../lib/queue.service.js';
import { resolveOptions } from '../../lib/resolve-options.js';
import { eventually } from '../support/eventually.js';
import { aStorage, waitingBackends, type TestStorage } from '../support/storage.js';

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
    await test.database.query(`do $$ declare today constant timestamp := date_trunc('day', now() at time zone 'UTC'); begin
      for day in 10..100 loop
        execute format('create table simple_queue.archive_p%s partition of simple_queue.archive for values from (%L) to (%L)',
          to_char(today + day * interval '1 day', 'YYYYMMDD'), today + day * interval '1 day', today + (day + 1) * interval '1 day');
      end loop; end $$`);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await test.storage.jobs.checkPlaces()).toEqual([]));
  afterAll(() => test.close());

  const locksIn = (work: (manager: EntityManager) => Promise<unknown>, query = HELD) =>
    test.dataSource.transaction(async (manager) => {
      await work(manager);
      return (await manager.query<{ n: number }[]>(query))[0]!.n;
    });
  const anEnded = async (keepMs: number): Promise<string> => {
    const { id } = await queues.enqueue('mails', 'ended', { delayMs: 9_000 });
    await test.storage.jobs.cancelById(test.storage.database.callers.run, [id], { '': keepMs });
    return id;
  };

  it.each([1, 40, 99, 2_000])('are few, whatever it asks of ids, with an archive of 100 days: kept for %d days', async (days) => {
    const ended = await anEnded(days * 86_400_000);
    const again = await locksIn(async (manager) =>
      expect(await queues.enqueue('mails', 1, { id: ended, manager })).toEqual({
        id: ended,
        created: false,
        outcome: 'existing',
      }),
    );
    const fresh = await locksIn((manager) => queues.enqueue('mails', 1, { id: randomUUID(), manager }));
    const found = await locksIn(async (manager) =>
      expect(await queues.find(ended, { manager })).toMatchObject({ id: ended, state: 'cancelled', payload: 'ended' }),
    );
    const unknown = await locksIn(async (manager) => expect(await queues.find(randomUUID(), { manager })).toBeUndefined());
    expect(Math.max(fresh, again, found, unknown)).toBeLessThan(SHARE);
    expect(await queues.find(ended)).toMatchObject({ id: ended, state: 'cancelled' });
  });

  it('are few for a batch of ids of which some have ended', async () => {
    const ended = await Promise.all([1, 40, 99].map((days) => anEnded(days * 86_400_000)));
    const items = [...ended, randomUUID()].map((id) => ({ payload: 1, id }));
    const locks = await locksIn(async (manager) => {
      const answers = await queues.enqueueMany('mails', items, { manager });
      expect(answers.map(({ created }) => created)).toEqual([false, false, false, true]);
    });
    expect(locks).toBeLessThan(SHARE);
  });

  const groups = (count: number, of = 'g') =>
    Array.from({ length: count }, (_, n) => ({ payload: n, group: `${of}${n}`, ordered: true }));

  it.each([
    [1, 2],
    [32, 33],
    [33, 1],
    [6_000, 1],
  ])('for %d ordered groups are %d', async (count, most) => {
    expect(await locksIn((manager) => queues.enqueueMany('mails', groups(count), { manager }), ADVISORY)).toBe(most);
    expect(await locksIn((manager) => queues.enqueueMany('mails', groups(count), { manager }), ADVISORY)).toBe(most);
  });

  it('let two large calls, and small ones beside them, all come in', async () => {
    const calls = [groups(2_000), groups(2_000).reverse(), groups(2_000, 'h'), groups(3), groups(40)];
    const answers = await Promise.all(calls.map((items) => queues.enqueueMany('mails', items)));
    expect(answers.flat()).toHaveLength(6_043);
    const [head] = await test.database.query<{ n: number }>('select count(*)::int as n from simple_queue.head');
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

    const late = await queues.enqueue('mails', 'late', { group: 'g0', ordered: true, manager: holder.manager });
    await holder.commitTransaction();
    await holder.release();
    const [last] = await waiting;
    const rows = await test.database.query<{ id: string }>(
      `select id from simple_queue.job where group_name = 'g0' and queue = (select id from simple_queue.queue where name = 'mails') order by seq`,
    );
    expect(rows.slice(1).map(({ id }) => id)).toEqual([late.id, last!.id]);
  });

  it('keep the promoter from groups of a large call that is open', async () => {
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
