import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import type { Run } from '../../lib/storage/connections.js';
import type { EnqueueRepository, NewJob } from '../../lib/storage/enqueue.repository.js';
import type { Lane } from '../../lib/storage/lanes.js';
import { FIND_PERIODS } from '../../lib/storage/sql/throttle.sql.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const HOUR_MS = 3_600_000;

describe('throttle', () => {
  let test: TestStorage;
  let enqueues: EnqueueRepository;
  let lane: Lane;
  const ids = new Uuid7();

  beforeAll(async () => {
    test = await aStorage();
    enqueues = test.storage.enqueues;
    lane = await test.storage.lanes.of('mail', '');
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await test.storage.jobs.checkPlaces()).toEqual([]));
  afterAll(() => test.close());

  const throttled = (more: Partial<NewJob> = {}): NewJob => ({
    id: ids.next(),
    lane,
    priority: 0,
    payload: '{}',
    givenId: false,
    uniqueKey: 'key',
    conflict: 'throttle',
    periodMs: HOUR_MS,
    ...more,
  });
  /** As with `archive: false`: nothing of the job is kept. */
  const end = async (id: string) => {
    const { run } = test.storage.database.callers;
    await test.storage.jobs.cancelById(run, [id], { '': null });
    expect(await test.storage.jobs.find(id)).toBeUndefined();
  };
  const pass = () => test.database.query(`update simple_queue.throttle set ends_at = now() - interval '1 ms'`);
  const jobs = async () => (await test.database.query('select from simple_queue.job')).length;

  it('lets in one job a period, also when it has ended and nothing is kept of it', async () => {
    const [first] = await enqueues.insert([throttled()]);
    expect(first).toMatchObject({ created: true, outcome: 'created' });
    expect(await enqueues.insert([throttled()])).toEqual([{ id: first!.id, created: false, outcome: 'throttled' }]);
    await end(first!.id);
    expect(await enqueues.insert([throttled()])).toEqual([{ id: first!.id, created: false, outcome: 'throttled' }]);
    await pass();
    expect(await enqueues.insert([throttled()])).toMatchObject([{ created: true }]);
    expect(await enqueues.insert([throttled()])).toMatchObject([{ created: false, outcome: 'throttled' }]);
  });

  it('answers with the live job of the key where the period is over or none was opened', async () => {
    const [first] = await enqueues.insert([throttled()]);
    await pass();
    expect(await enqueues.insert([throttled()])).toEqual([{ id: first!.id, created: false, outcome: 'existing' }]);
    const other = await test.rows.job({ uniqueKey: 'other' });
    expect(await enqueues.insert([throttled({ uniqueKey: 'other' })])).toEqual([
      { id: other.id, created: false, outcome: 'existing' },
    ]);
    await end(other.id);
    expect(await enqueues.insert([throttled({ uniqueKey: 'other' })])).toMatchObject([{ created: true }]);
  });

  it('knows each key of each queue by itself, and stands in the way of no other mode', async () => {
    const [first] = await enqueues.insert([throttled()]);
    const letters = await test.storage.lanes.of('letters', '');
    expect(await enqueues.insert([throttled({ uniqueKey: 'other' }), throttled({ lane: letters })])).toMatchObject([
      { created: true },
      { created: true },
    ]);
    await end(first!.id);
    expect(await enqueues.insert([throttled({ conflict: undefined })])).toMatchObject([{ created: true }]);
  });

  it('lets in the first of a batch', async () => {
    const answers = await enqueues.insert([
      throttled({ payload: '1' }),
      throttled({ payload: '2' }),
      throttled({ uniqueKey: 'other' }),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['created', 'throttled', 'created']);
    expect(answers[1]!.id).toBe(answers[0]!.id);
    expect(await test.storage.jobs.find(answers[0]!.id)).toMatchObject({ payload: 1 });
  });

  it.each([['waiting'], ['ended at once']])('lets in exactly one job of 20 producers, %s', async (how) => {
    for (let round = 0; round < 5; round++) {
      await test.rows.clear();
      const produce = async () => {
        const [answer] = await enqueues.insert([throttled()]);
        if (answer!.created && how === 'ended at once')
          await test.storage.jobs.cancelById(test.storage.database.loops.run, [answer!.id], { '': null });
        return answer!;
      };
      const answers = await Promise.all(Array.from({ length: 20 }, produce));
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(new Set(answers.filter(({ created }) => !created).map(({ outcome }) => outcome))).toEqual(new Set(['throttled']));
      expect(await jobs()).toBe(how === 'waiting' ? 1 : 0);
    }
  });

  it('takes its job back when the period was opened by one that has ended already', async () => {
    const [rival] = await enqueues.insert([throttled()]);
    await end(rival!.id);
    let looks = 0;
    const answers = await test.storage.database.callers.transaction((run) => {
      const late: Run = async <Row>(statement: typeof FIND_PERIODS, values: unknown[]) =>
        statement === FIND_PERIODS && ++looks === 1 ? ([] as Row[]) : run<Row>(statement, values);
      return enqueues.insertIn(late, [throttled(), throttled()]);
    });
    expect(answers).toEqual([
      { id: rival!.id, created: false, outcome: 'throttled' },
      { id: rival!.id, created: false, outcome: 'throttled' },
    ]);
    expect(await jobs()).toBe(0);
  });

  it('rolls back with its transaction: the period with the job', async () => {
    const order = test.dataSource.transaction(async (manager) => {
      await enqueues.insertIn(test.storage.database.in(manager), [throttled()]);
      throw new Error('bad order');
    });
    await expect(order).rejects.toThrow('bad order');
    expect(await enqueues.insert([throttled()])).toMatchObject([{ created: true }]);
  });

  it('forgets periods that are over, and no others', async () => {
    await enqueues.insert([throttled(), throttled({ uniqueKey: 'over', periodMs: 1 })]);
    await test.database.query(`update simple_queue.throttle set ends_at = now() - interval '1 s' where unique_key = 'over'`);
    expect(await test.storage.periods.purge()).toBe(1);
    expect(await test.database.query('select unique_key from simple_queue.throttle')).toEqual([{ unique_key: 'key' }]);
  });
});
