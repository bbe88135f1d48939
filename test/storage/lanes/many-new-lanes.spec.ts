import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { QueueError } from '../../../lib/job/queue.errors.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { MAX_LABELLED_LANES } from '../../../lib/storage/lanes/lane-bounds.js';
import { Lanes } from '../../../lib/storage/lanes/lanes.js';
import { eventually } from '../../support/eventually.js';
import { recordStatements } from '../../support/recorded-statements.js';
import {
  aStorage,
  joining,
  openStorage,
  Rival,
  waitingBackends,
  type TestStorage,
} from '../../support/storage.js';

const COUNT = 200;
/** A look, the queue, begin, lock, lanes, commit and another look; the jobs; in a transaction a look before, and its own words. */
const MOST = 16;

describe('many lanes that are new', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;
  const { options } = resolveOptions({ wakeUp: 'off' });

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'off' });
    enqueuer = new Enqueuer(test.storage, options, test.events);
  });
  afterAll(() => test.close());

  const items = (more: (n: number) => Partial<EnqueueItem>, count = COUNT): EnqueueItem[] =>
    Array.from({ length: count }, (_, n) => ({ payload: n, ...more(n) }));
  const named = (n: number) => ({ name: `name-${n % COUNT}` });

  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    const recorded = recordStatements();
    await work().finally(recorded.stop);
    return recorded.names;
  }

  const lanesOf = async (queue: string): Promise<number> =>
    (
      await test.database.query(
        `select from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where q.name = $1`,
        [queue],
      )
    ).length;

  const ways: [string, string, EnqueueItem[]][] = [
    ['names', 'names', items(named)],
    ['sets of labels', 'labels', items((n) => ({ labels: [`label-${n}`] }))],
    ['names of jobs with keys', 'keys', items((n) => ({ ...named(n), uniqueKey: `key-${n}` }))],
    [
      'names of ordered groups',
      'groups',
      items((n) => ({ ...named(n), group: 'g', ordered: true })),
    ],
  ];

  it.each(ways)('are registered by one transaction: %s', async (_, queue, given) => {
    const names = await statementsOf(() => enqueuer.enqueueMany(queue, given, {}));
    expect(names.length).toBeLessThanOrEqual(MOST);
    expect(await lanesOf(queue)).toBe(COUNT);
  });

  it('are registered by one transaction beside that of the caller, and stay where it is rolled back', async () => {
    const failed = test.dataSource.transaction(async (manager) => {
      const joined = joining(test.storage, manager);
      const names = await statementsOf(() => enqueuer.enqueueMany('within', items(named), joined));
      expect(names.length).toBeLessThanOrEqual(MOST);
      throw new Error('undone');
    });
    await expect(failed).rejects.toThrow('undone');
    expect(await lanesOf('within')).toBe(COUNT);
  });

  it('are registered some hundred at a time while a large batch is read', async () => {
    const count = 6_000;
    const names = await statementsOf(() => enqueuer.enqueueMany('large', items(named, count), {}));
    expect(names.length).toBeLessThanOrEqual(MOST + 8);
    const stored = await test.database.query<{ n: number; name: string }>(
      `select (j.payload)::text::int as n, l.name from simple_queue.job j join simple_queue.lane l on l.id = j.lane
       join simple_queue.queue q on q.id = l.queue where q.name = 'large'`,
    );
    expect(stored).toHaveLength(count);
    expect(stored.filter(({ n, name }) => name !== named(n).name)).toEqual([]);
  });

  it('get their new numbers by one transaction where the database has forgotten them', async () => {
    await enqueuer.enqueueMany('forgotten', items(named), {});
    await test.rows.clear();
    await test.database.query(
      `delete from simple_queue.lane l using simple_queue.queue q where q.id = l.queue and q.name = 'forgotten'`,
    );
    const names = await statementsOf(() => enqueuer.enqueueMany('forgotten', items(named), {}));
    expect(names.length).toBeLessThanOrEqual(MOST);
    expect(await lanesOf('forgotten')).toBe(COUNT);
  });

  it('of single enqueues are registered by one transaction where these wait side by side', async () => {
    const one = (n: number) => enqueuer.enqueue('singles', { payload: n, name: `name-${n}` }, {});
    const names = await statementsOf(() => Promise.all(items(named).map((_, n) => one(n))));
    expect(names.filter((name) => name === 'register_lanes').length).toBeLessThanOrEqual(2);
    expect(await lanesOf('singles')).toBe(COUNT);
  });

  it('of single enqueues are refused by name, and the others are stored', async () => {
    const { queueId } = await test.storage.lanes.of('nearly-full', '');
    await test.rows.lanes(queueId, 2, MAX_LABELLED_LANES - 5, 'labels');
    const one = (n: number) => enqueuer.enqueue('nearly-full', { payload: n, labels: [`new-${n}`] }, {}); // prettier-ignore
    const ends = await Promise.allSettled([
      ...items(named, 20).map((_, n) => one(n)),
      enqueuer.enqueue('nearly-full', { payload: 1, name: 'bare' }, {}),
    ]);
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as QueueError).code)).toEqual(
      Array(14).fill('TOO_MANY_LANES'),
    );
    expect(ends.at(-1)).toMatchObject({ status: 'fulfilled' });
  });

  it('of single enqueues are there while one of them waits for a transaction in SQL', async () => {
    const rival = await Rival.connect(test.database);
    await enqueuer.enqueueMany('one-held', [{ payload: 1 }], {});
    await rival.begin();
    await rival.query(`select simple_queue.enqueue('one-held', name => 'name-7')`);
    const one = (n: number) => enqueuer.enqueue('one-held', { payload: n, name: `name-${n}` }, {});
    const all = items(named, 40).map((_, n) => one(n));
    const recorded = recordStatements();
    await Promise.all(all.filter((_, n) => n !== 7));
    recorded.stop();
    // By halves, and each of them a few statements: not each name by itself.
    expect(recorded.names.filter((name) => name === 'register_lanes').length).toBeLessThan(20);
    await rival.commit();
    await rival.close();
    expect(await all[7]).toMatchObject({ created: true });
  });

  it('stay where callers roll back whose transactions waited side by side, and the next ones know them', async () => {
    const lost = await Promise.allSettled(
      [1, 2, 3].map((n) =>
        test.dataSource.transaction(async (manager) => {
          await enqueuer.enqueue('undone', { payload: n, name: `name-${n}` }, joining(test.storage, manager)); // prettier-ignore
          throw new Error('undone');
        }),
      ),
    );
    expect(lost.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    expect(await lanesOf('undone')).toBe(3);
    for (const n of [1, 2, 3])
      expect(await enqueuer.enqueue('undone', { payload: n, name: `name-${n}` }, {})).toMatchObject({ created: true }); // prettier-ignore
  });

  it('are registered once where several calls ask for them at once, from one process and from others', async () => {
    const others = await Promise.all([1, 2].map(() => openStorage(test.dataSource)));
    const enqueuers = others.map((storage) => new Enqueuer(storage, options, test.events));
    const half = (from: number) => items((n) => ({ name: `name-${(n + from) % 300}` }));
    await Promise.all(
      [enqueuer, enqueuer, ...enqueuers].map((each, n) =>
        each.enqueueMany('at-once', n % 2 ? half(n * 50) : half(n * 50).toReversed(), {}),
      ),
    );
    expect(await lanesOf('at-once')).toBe(300);
    await Promise.all(others.map((storage) => storage.onApplicationShutdown()));
  });

  it('wait by name for the one that a transaction in SQL registers, and the others are there meanwhile', async () => {
    const rival = await Rival.connect(test.database);
    await enqueuer.enqueueMany('held-up', [{ payload: 1 }], {});
    await rival.begin();
    await rival.query(`select simple_queue.enqueue('held-up', name => 'name-19')`);
    const answers = enqueuer.enqueueMany('held-up', items(named, 20), {});
    await eventually(async () => expect(await lanesOf('held-up')).toBe(20));
    await eventually(async () => expect(await waitingBackends(test.database)).toBeGreaterThan(0));
    // Neither is what is asked for on its own refused for the patience of the others.
    const alone = enqueuer.enqueue('held-up', { payload: 1, name: 'name-19' }, {});
    await rival.commit();
    await rival.close();
    expect((await answers).filter(({ created }) => created)).toHaveLength(20);
    expect(await alone).toMatchObject({ created: true });
  });

  it('are all there but those that a transaction in SQL registers where a worker starts beside it, which waits for it once', async () => {
    const rival = await Rival.connect(test.database);
    await enqueuer.enqueueMany('start-held', [{ payload: 1 }], {});
    await rival.begin();
    for (const n of [3, 30, 33])
      await rival.query(`select simple_queue.enqueue('start-held', name => 'name-${n}')`);
    const names = items(named).map((_, n) => ({ queue: 'start-held', name: `name-${n}` }));
    const ways = await statementsOf(() => new Lanes(test.storage.database).registerFree(names));
    expect(await lanesOf('start-held')).toBe(1 + COUNT - 3);
    const waits = ways.filter((name) => name === 'register_lanes').length;
    expect(waits).toBeLessThan(60);
    await rival.rollback();
    await rival.close();
  });

  it('wait no longer where there are more of them in the way than tries, and come with the next ones', async () => {
    const rival = await Rival.connect(test.database);
    await enqueuer.enqueueMany('way-held', [{ payload: 1 }], {});
    await rival.begin();
    await rival.query(
      `select simple_queue.enqueue('way-held', name => 'name-' || n) from generate_series(1, 150) n`,
    );
    const names = items(named).map((_, n) => ({ queue: 'way-held', name: `name-${n}` }));
    const lanes = new Lanes(test.storage.database);
    const ways = await statementsOf(() => lanes.registerFree(names));
    expect(ways.filter((name) => name === 'register_lanes').length).toBeLessThanOrEqual(200);
    await rival.rollback();
    await rival.close();
    await lanes.registerFree(names);
    expect(await lanesOf('way-held')).toBe(1 + COUNT);
  });

  it('say which queue stands in the way', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select simple_queue.enqueue('b-held')`);
    const impatient = new Lanes(test.storage.database, undefined, 0);
    const jobs = ['a-free', 'b-held'].map((queue) => ({ queue, name: '', lane: undefined }));
    await expect(impatient.give(jobs)).rejects.toMatchObject({
      code: 'TRANSACTION_CONFLICT',
      message: expect.stringContaining('Queue "b-held"'),
    });
    expect(impatient.find('a-free', '')).toBeDefined();
    await rival.rollback();
    await rival.close();
  });

  it('are refused as one is where the queue has no room for them, and nothing is stored', async () => {
    const given = items((n) => ({ labels: [`id-${n}`] }), MAX_LABELLED_LANES + 1);
    await expect(enqueuer.enqueueMany('brim', given, {})).rejects.toMatchObject({
      code: 'TOO_MANY_LANES',
      message: expect.stringContaining('Queue "brim" has 1000 names with labels'),
    });
    expect(await lanesOf('brim')).toBe(MAX_LABELLED_LANES);
    const jobs = `select from simple_queue.job j join simple_queue.queue q on q.id = j.queue where q.name = 'brim'`;
    expect(await test.database.query(jobs)).toEqual([]);
  });

  it('wait for no number that is taken', async () => {
    const [before] = await test.database.query<{ def: string }>(
      `select pg_get_expr(adbin, adrelid) as def from pg_attrdef where adrelid = 'simple_queue.lane'::regclass and adnum = 1`,
    );
    const { id } = await test.storage.lanes.of('taken', '');
    await test.database.query(`create sequence draws`);
    const draw = `case when nextval('draws') = 7 then ${id} else (${before!.def}) end`;
    await test.database.query(`alter table simple_queue.lane alter id set default ${draw}`);
    const names = await statementsOf(() => enqueuer.enqueueMany('taken', items(named), {}));
    expect(names.length).toBeLessThanOrEqual(2 * MOST);
    await test.database.query(`alter table simple_queue.lane alter id set default ${before!.def}`);
    await test.database.query(`drop sequence draws`);
    expect(await lanesOf('taken')).toBe(COUNT + 1);
  });
});
