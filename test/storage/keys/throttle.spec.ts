import { describe, expect, it } from '@jest/globals';
import type { Run } from '../../../lib/storage/connection/connections.js';
import { FIND_PERIODS } from '../../../lib/storage/keys/throttle.sql.js';
import { aJobStore } from '../../support/job-store.js';
import { runIn } from '../../support/storage.js';

const HOUR_MS = 3_600_000;

describe('throttle', () => {
  const store = aJobStore({ uniqueKey: 'key', conflict: 'throttle', periodMs: HOUR_MS });
  const { aNewJob: throttled, count } = store;
  /** As with `archive: false`: nothing of the job is kept. */
  const end = async (id: string) => {
    const { run } = store.test.storage.database.callers;
    await store.test.storage.cancels.byId(run, [id], { '': null });
    expect(await store.test.storage.jobs.find(id)).toBeUndefined();
  };
  const pass = () =>
    store.test.database.query(`update simple_queue.throttle set ends_at = now() - interval '1 ms'`);

  it('lets in one job a period, also when it has ended and nothing is kept of it', async () => {
    const [first] = await store.enqueues.insert([throttled()]);
    expect(first).toMatchObject({ created: true, outcome: 'created' });
    expect(await store.enqueues.insert([throttled()])).toEqual([
      { id: first!.id, created: false, outcome: 'throttled' },
    ]);
    await end(first!.id);
    expect(await store.enqueues.insert([throttled()])).toEqual([
      { id: first!.id, created: false, outcome: 'throttled' },
    ]);
    await pass();
    expect(await store.enqueues.insert([throttled()])).toMatchObject([{ created: true }]);
    expect(await store.enqueues.insert([throttled()])).toMatchObject([
      { created: false, outcome: 'throttled' },
    ]);
  });

  it('answers with the live job of the key where the period is over or none was opened', async () => {
    const [first] = await store.enqueues.insert([throttled()]);
    await pass();
    expect(await store.enqueues.insert([throttled()])).toEqual([
      { id: first!.id, created: false, outcome: 'existing' },
    ]);
    const other = await store.test.rows.job({ uniqueKey: 'other' });
    expect(await store.enqueues.insert([throttled({ uniqueKey: 'other' })])).toEqual([
      { id: other.id, created: false, outcome: 'existing' },
    ]);
    await end(other.id);
    expect(await store.enqueues.insert([throttled({ uniqueKey: 'other' })])).toMatchObject([
      { created: true },
    ]);
  });

  it('knows each key of each queue by itself, and stands in the way of no other mode', async () => {
    const [first] = await store.enqueues.insert([throttled()]);
    const letters = await store.test.storage.lanes.of('letters', '');
    expect(
      await store.enqueues.insert([
        throttled({ uniqueKey: 'other' }),
        throttled({ lane: letters }),
      ]),
    ).toMatchObject([{ created: true }, { created: true }]);
    await end(first!.id);
    expect(await store.enqueues.insert([throttled({ conflict: undefined })])).toMatchObject([
      { created: true },
    ]);
  });

  it('lets in the first of a batch', async () => {
    const answers = await store.enqueues.insert([
      throttled({ payload: '1' }),
      throttled({ payload: '2' }),
      throttled({ uniqueKey: 'other' }),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['created', 'throttled', 'created']);
    expect(answers[1]!.id).toBe(answers[0]!.id);
    expect(await store.test.storage.jobs.find(answers[0]!.id)).toMatchObject({ payload: 1 });
  });

  it.each([['waiting'], ['ended at once']])(
    'lets in exactly one job of 20 producers, %s',
    async (how) => {
      for (let round = 0; round < 5; round++) {
        await store.test.rows.clear();
        const produce = async () => {
          const [answer] = await store.enqueues.insert([throttled()]);
          if (answer!.created && how === 'ended at once')
            await store.test.storage.cancels.byId(
              store.test.storage.database.loops.run,
              [answer!.id],
              { '': null },
            );
          return answer!;
        };
        const answers = await Promise.all(Array.from({ length: 20 }, produce));
        expect(answers.filter(({ created }) => created)).toHaveLength(1);
        expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
        expect(
          new Set(answers.filter(({ created }) => !created).map(({ outcome }) => outcome)),
        ).toEqual(new Set(['throttled']));
        expect(await count()).toBe(how === 'waiting' ? 1 : 0);
      }
    },
  );

  it('takes its job back when the period was opened by one that has ended already', async () => {
    const [rival] = await store.enqueues.insert([throttled()]);
    await end(rival!.id);
    let looks = 0;
    const answers = await store.test.storage.database.callers.transaction((run) => {
      const late: Run = async <Row>(statement: typeof FIND_PERIODS, values: unknown[]) =>
        statement === FIND_PERIODS && ++looks === 1 ? ([] as Row[]) : run<Row>(statement, values);
      return store.enqueues.insertIn(late, [throttled(), throttled()]);
    });
    expect(answers).toEqual([
      { id: rival!.id, created: false, outcome: 'throttled' },
      { id: rival!.id, created: false, outcome: 'throttled' },
    ]);
    expect(await count()).toBe(0);
  });

  it('rolls back with its transaction: the period with the job', async () => {
    const order = store.test.dataSource.transaction(async (manager) => {
      await store.enqueues.insertIn(runIn(store.test.storage, manager), [throttled()]);
      throw new Error('bad order');
    });
    await expect(order).rejects.toThrow('bad order');
    expect(await store.enqueues.insert([throttled()])).toMatchObject([{ created: true }]);
  });

  it('forgets periods that are over, and no others', async () => {
    await store.enqueues.insert([throttled(), throttled({ uniqueKey: 'over', periodMs: 1 })]);
    await store.test.database.query(
      `update simple_queue.throttle set ends_at = now() - interval '1 s' where unique_key = 'over'`,
    );
    expect(await store.test.storage.periods.purge()).toBe(1);
    expect(await store.test.database.query('select unique_key from simple_queue.throttle')).toEqual(
      [{ unique_key: 'key' }],
    );
  });
});
