import { describe, expect, it } from '@jest/globals';
import type { NewJob } from '../../../lib/job/new-job.js';
import { aJobStore } from '../../support/job-store.js';
import { runIn } from '../../support/storage.js';

const HOUR_MS = 3_600_000;

describe('replace and debounce', () => {
  const store = aJobStore({ payload: '{"new": true}', uniqueKey: 'key', conflict: 'replace' });
  const { aNewJob, find, count } = store;
  const debounced = (more: Partial<NewJob> = {}) =>
    aNewJob({ conflict: 'debounce', periodMs: HOUR_MS, delayMs: HOUR_MS, ...more });

  it.each([['ready'], ['scheduled'], ['suspect']] as const)(
    'changes a job that stands in %s, under its id',
    async (state) => {
      const { id } = await store.test.rows.job({
        state,
        uniqueKey: 'key',
        attempt: 2,
        reschedules: 3,
        stalls: 1,
        fingerprint: 'old',
      });

      const [answer] = await store.enqueues.insert([
        aNewJob({
          priority: 7,
          fingerprint: 'new',
          options: '{"maxAttempts": 9}',
          payloadBytes: Buffer.from('x'),
        }),
      ]);

      expect(answer).toEqual({ id, created: false, outcome: 'replaced' });
      expect(await find(id)).toMatchObject({
        ...{
          state: 'ready',
          payload: { new: true },
          payloadBytes: Buffer.from('x'),
          priority: 7,
          fingerprint: 'new',
        },
        ...{ maxAttempts: 9, attempt: 0, reschedules: 0, stalls: 1 },
      });
      expect(await count()).toBe(1);
    },
  );

  it('gives a job new contents where others count on its place: staged, blocked, or with the turn of its group', async () => {
    const held = { conflict: undefined, payload: '{"old": true}', priority: 0 };
    const group = { group: 'g', ordered: true };
    const ways: [string, Partial<NewJob>][] = [
      ['turn', group],
      ['blocked', group],
      ['staged', { commitWithinMs: HOUR_MS }],
      ['stagedTurn', { ...group, group: 'h', commitWithinMs: HOUR_MS }],
      ['stagedBlocked', { ...group, commitWithinMs: HOUR_MS }],
      ['fair', { group: 'f', fair: true }],
    ];
    for (const [uniqueKey, more] of ways) {
      const [{ id } = { id: '' }] = await store.enqueues.insert([
        aNewJob({ ...held, payloadBytes: Buffer.from('old'), uniqueKey, ...more }),
      ]);
      const before = await find(id);
      expect(before).toMatchObject({ payloadBytes: Buffer.from('old') });
      for (const replacing of [aNewJob({ uniqueKey, delayMs: HOUR_MS }), debounced({ uniqueKey })])
        expect(await store.enqueues.insert([replacing])).toEqual([
          { id, created: false, outcome: 'replaced' },
        ]);
      expect(await find(id)).toEqual({
        ...before,
        payload: { new: true },
        payloadBytes: undefined,
      });
      const [elsewhere] = await store.enqueues.insert([
        aNewJob({ uniqueKey, lane: await store.test.storage.lanes.of('mail', 'another') }),
      ]);
      expect(elsewhere).toEqual({ id, created: false, outcome: 'existing' });
    }
  });

  it('keeps the suspicion of a suspect: its process may die of the new payload too', async () => {
    const { id } = await store.test.rows.job({ state: 'suspect', suspicion: 2, uniqueKey: 'key' });
    await store.enqueues.insert([debounced()]);
    expect(await find(id)).toMatchObject({ state: 'scheduled' });
    const rows = await store.test.database.query('select suspicion from simple_queue.job');
    expect(rows).toEqual([{ suspicion: 2 }]);
  });

  it('takes over the new time, later or sooner', async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key' });
    await store.enqueues.insert([aNewJob({ delayMs: HOUR_MS })]);
    expect(await find(id)).toMatchObject({ state: 'scheduled' });
    await store.enqueues.insert([aNewJob()]);
    expect(await find(id)).toMatchObject({ state: 'ready' });
  });

  it('takes over the new name', async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key', name: 'old' });
    await store.enqueues.insert([
      aNewJob({ lane: await store.test.storage.lanes.of('mail', 'new') }),
    ]);
    expect(await find(id)).toMatchObject({ name: 'new', state: 'ready' });
  });

  it('pushes the run time back, by the clock of the database, and takes the last payload', async () => {
    // To the microsecond: the second may come within the same millisecond.
    const dueAt = async () =>
      (await store.test.database.query<{ at: number }>('select extract(epoch from run_at)::float8 as at from simple_queue.scheduled'))[0]!.at; // prettier-ignore
    const [first] = await store.enqueues.insert([debounced({ payload: '1' })]);
    const early = await dueAt();
    const [second] = await store.enqueues.insert([debounced({ payload: '2' })]);

    expect(first).toMatchObject({ created: true, outcome: 'created' });
    expect(second).toEqual({ id: first!.id, created: false, outcome: 'postponed' });
    expect(await find(first!.id)).toMatchObject({ state: 'scheduled', payload: 2 });
    expect(await dueAt()).toBeGreaterThan(early);
  });

  it('never changes a running job', async () => {
    const { id } = await store.test.rows.job({ state: 'running', uniqueKey: 'key' });
    expect(await store.enqueues.insert([aNewJob()])).toEqual([
      { id, created: false, outcome: 'running' },
    ]);
    expect(await store.enqueues.insert([debounced()])).toEqual([
      { id, created: false, outcome: 'running' },
    ]);
    expect(await find(id)).toMatchObject({ state: 'running', payload: { n: 1 } });
  });

  it('touches no other job: another key, another queue, no key', async () => {
    const others = [
      await store.test.rows.job({ uniqueKey: 'other' }),
      await store.test.rows.job({ uniqueKey: 'key', queue: 'letters' }),
      await store.test.rows.job(),
    ];
    expect(await store.enqueues.insert([aNewJob()])).toMatchObject([{ outcome: 'created' }]);
    for (const { id } of others) expect(await find(id)).toMatchObject({ payload: { n: 1 } });
  });

  describe('in a batch', () => {
    it('answers for each item in place', async () => {
      const waiting = await store.test.rows.job({ uniqueKey: 'waits' });
      const running = await store.test.rows.job({ state: 'running', uniqueKey: 'runs' });
      const known = await store.test.rows.job({ uniqueKey: 'known' });
      const answers = await store.enqueues.insert([
        aNewJob({ uniqueKey: 'runs' }),
        aNewJob({ uniqueKey: undefined, conflict: undefined }),
        debounced({ uniqueKey: 'waits' }),
        aNewJob({ uniqueKey: 'known', conflict: undefined }),
        aNewJob({ uniqueKey: 'fresh' }),
      ]);
      expect(answers.map(({ outcome }) => outcome)).toEqual([
        'running',
        'created',
        'postponed',
        'existing',
        'created',
      ]);
      expect([answers[0]!.id, answers[2]!.id, answers[3]!.id]).toEqual([
        running.id,
        waiting.id,
        known.id,
      ]);
    });

    it('lets the last of two items with one key win', async () => {
      const answers = await store.enqueues.insert([
        aNewJob({ payload: '1' }),
        aNewJob({ payload: '2' }),
        aNewJob({ payload: '3' }),
      ]);
      expect(answers.map(({ outcome }) => outcome)).toEqual(['created', 'replaced', 'replaced']);
      expect(answers.map(({ created }) => created)).toEqual([true, false, false]);
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(await find(answers[0]!.id)).toMatchObject({ payload: 3 });

      const again = await store.enqueues.insert([
        debounced({ payload: '4' }),
        debounced({ payload: '5' }),
      ]);
      expect(again.map(({ outcome }) => outcome)).toEqual(['postponed', 'postponed']);
      expect(await find(answers[0]!.id)).toMatchObject({ payload: 5 });
      expect(await count()).toBe(1);
    });

    it('replaces more than one statement holds', async () => {
      const batch = (payload: string) =>
        Array.from({ length: 1_200 }, (_, n) => aNewJob({ uniqueKey: `key-${n}`, payload }));
      const first = await store.enqueues.insert(batch('1'));
      const second = await store.enqueues.insert(batch('2'));
      expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
      expect(new Set(second.map(({ outcome }) => outcome))).toEqual(new Set(['replaced']));
      expect(
        await store.test.database.query(`select from simple_queue.job where payload::text <> '2'`),
      ).toEqual([]);
    });
  });

  it("rolls back with the caller's transaction", async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key' });
    const order = store.test.dataSource.transaction(async (manager) => {
      expect(
        await store.enqueues.insertIn(runIn(store.test.storage, manager), [aNewJob()]),
      ).toMatchObject([{ outcome: 'replaced' }]);
      throw new Error('bad order');
    });
    await expect(order).rejects.toThrow('bad order');
    expect(await find(id)).toMatchObject({ payload: { n: 1 } });
  });
});
