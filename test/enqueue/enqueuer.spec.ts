import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import type { Statement } from '../../lib/storage/connection/statement.js';
import { aStorage, joining, Rival, type TestStorage } from '../support/storage.js';
import { checkPlaces } from '../support/check-places.js';

describe('the enqueuer', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;
  let statements: string[];
  let ambient: EntityManager | undefined;

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'off', transaction: () => ambient });
    const { callers } = test.storage.database;
    const { run } = callers;
    Object.assign(callers, {
      run: (asked: Statement, values: unknown[]) => {
        statements.push(asked.name);
        return run(asked, values);
      },
    });
    enqueuer = new Enqueuer(
      test.storage,
      resolveOptions({ maxPayloadBytes: 1_000 }).options,
      test.events,
    );
    await test.storage.lanes.of('mail', '');
  });
  beforeEach(async () => {
    [statements, ambient] = [[], undefined];
    await test.rows.clear();
  });
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const enqueue = (payload: unknown, options = {}) =>
    enqueuer.enqueue(
      'mail',
      { payload, ...options },
      { joined: test.storage.database.transactionOf({}) },
    );
  const find = (id: string) => test.storage.jobs.find(id);

  it('lets concurrent callers share statements, and answers each with its own job', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, n) => enqueue({ n })));
    expect(statements.length).toBeLessThan(10);
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(500);
    expect(await find(answers[321]!.id)).toMatchObject({ payload: { n: 321 } });
  });

  it('keeps the order of the callers', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => enqueue(1)));
    const stored = await test.database.query<{ id: string }>(
      'select id from simple_queue.ready order by priority, run_at, id',
    );
    expect(stored.map((row) => row.id)).toEqual(answers.map((answer) => answer.id));
  });

  it("does not let a caller wait for another one's unique key", async () => {
    const rival = await Rival.connect(test.database);
    const holder = await test.rows.job({ uniqueKey: 'held' });
    await rival.begin();
    await rival.query('delete from simple_queue.job where id = $1', [holder.id]);
    const held = enqueue(1, { uniqueKey: 'held' });
    expect(await enqueue(2)).toMatchObject({ created: true });
    await rival.rollback();
    await rival.close();
    expect(await held).toEqual({ id: holder.id, created: false, outcome: 'existing' });
  });

  it('never shares the statement of a caller inside a transaction, given or ambient', async () => {
    const order = test.dataSource.transaction(async (manager) => {
      ambient = manager;
      const given = await enqueuer.enqueue('mail', { payload: 1 }, joining(test.storage, manager));
      const found = await enqueue(2);
      expect([await find(given.id), await find(found.id)]).toEqual([undefined, undefined]);
      throw new Error('undone');
    });
    await expect(order).rejects.toThrow('undone');
    expect(statements.filter((name) => name.startsWith('enqueue'))).toEqual([]);
    expect(await test.database.query('select from simple_queue.job')).toEqual([]);
  });

  it('leaves an ambient manager alone whose transaction is over', async () => {
    ambient = test.dataSource.manager;
    expect(await enqueue(1)).toMatchObject({ created: true });
    expect(statements).toEqual(['enqueue_one_bare']);
  });

  it('wakes the lanes that have news, and none for a duplicate', async () => {
    const heard: Signal[] = [];
    const stop = test.storage.signals.receive((signal) => void heard.push(signal));
    const { id: lane } = test.storage.lanes.find('mail', '')!;
    await enqueue(1, { uniqueKey: 'key' });
    await enqueue(1, { uniqueKey: 'key' });
    await enqueue(1, { delayMs: 60_000 });
    stop();
    // On a busy machine they say how late they are as well.
    expect(heard).toMatchObject([
      { lanes: [lane], later: false },
      { lanes: [], later: true },
    ]);
  });

  it('tells who listens what was stored and what was known', async () => {
    const told: unknown[] = [];
    const stop = test.events.on('enqueued', (event) => void told.push(event));
    const first = await enqueue(1, { uniqueKey: 'key' });
    await enqueue(2, { uniqueKey: 'key' });
    stop();
    expect(told).toEqual([
      { id: first.id, queue: 'mail', name: '', outcome: 'created' },
      { id: first.id, queue: 'mail', name: '', outcome: 'existing' },
    ]);
  });

  it('stores nothing of a batch with a bad item, and says which it was', async () => {
    const items = [{ payload: 1 }, { payload: 2n }, { payload: 3 }];
    await expect(enqueuer.enqueueMany('mail', items, {})).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      message: expect.stringContaining('Item 1'),
    });
    expect(await test.database.query('select from simple_queue.job')).toEqual([]);
    expect(await enqueuer.enqueueMany('mail', [], {})).toEqual([]);
    await expect(enqueuer.enqueueMany('mail', 'jobs' as never, {})).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it.each([{ to: 'ann' }, { name: 'ann' }, {}, ['ann'], 'ann', null])(
    'says of the bare payload %j what an item is, and stores nothing',
    async (bare) => {
      const items = [{ payload: 1 }, bare as never];
      await expect(enqueuer.enqueueMany('mail', items, {})).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/^Item 1: enqueueMany: each item is \{ payload, /),
      });
      expect(await test.database.query('select from simple_queue.job')).toEqual([]);
    },
  );
});
