import { describe, expect, it } from '@jest/globals';
import { aJobStore } from '../../support/job-store.js';

const DAY_MS = 86_400_000;

describe('enqueueing', () => {
  const store = aJobStore({ payload: '{"n":1}' });
  const { aNewJob, find, count } = store;

  it('stores plain jobs, due now, and answers in the order of the array', async () => {
    const batch = Array.from({ length: 10 }, (_, n) =>
      aNewJob({ payload: `{"n":${n}}`, priority: n - 5, fingerprint: `tag-${n}` }),
    );

    const answers = await store.enqueues.insert(batch);

    expect(answers).toEqual(batch.map(({ id }) => ({ id, created: true, outcome: 'created' })));
    for (const [n, { id }] of batch.entries())
      expect(await find(id)).toMatchObject({
        state: 'ready',
        payload: { n },
        priority: n - 5,
        fingerprint: `tag-${n}`,
        attempt: 0,
      });
  });

  it('stores everything that a job can carry', async () => {
    const bytes = Buffer.from([0, 255, 92]);
    const job = aNewJob({
      uniqueKey: 'key',
      fingerprint: 'tag',
      payloadBytes: bytes,
      options: '{"maxAttempts":7,"headers":{"a":"b"}}',
    });
    await store.enqueues.insert([job]);
    const plain = aNewJob({ payloadBytes: bytes });
    await store.enqueues.insert([plain]);
    expect(await find(job.id)).toMatchObject({
      uniqueKey: 'key',
      fingerprint: 'tag',
      payloadBytes: bytes,
      maxAttempts: 7,
      headers: { a: 'b' },
    });
    expect((await find(plain.id))?.payloadBytes).toEqual(bytes);
  });

  it.each([
    ['alone', 1],
    ['beside others', 2],
  ])('stores a plain job %s, with what it carries', async (_, length) => {
    const bytes = Buffer.from([0, 255, 92]);
    const more = {
      payload: '{"text":"\\"\\\\\u20ac"}',
      payloadBytes: bytes,
      fingerprint: 'tag',
      options: '{"maxAttempts":7}',
    };
    const batch = Array.from({ length }, () => aNewJob({ ...more, priority: -3 }));
    expect(await store.enqueues.insert(batch)).toEqual(
      batch.map(({ id }) => ({ id, created: true, outcome: 'created' })),
    );
    const expected = {
      state: 'ready',
      payload: { text: '"\\\u20ac' },
      payloadBytes: bytes,
      fingerprint: 'tag',
      maxAttempts: 7,
    };
    for (const { id } of batch) expect(await find(id)).toMatchObject({ ...expected, priority: -3 });
  });

  it('refuses a bad single job, and stores nothing of it', async () => {
    await expect(store.enqueues.insert([aNewJob({ payload: 'no json' })])).rejects.toMatchObject({
      sqlState: '22P02',
    });
    expect([await count(), await count('ready')]).toEqual([0, 0]);
  });

  it.each([
    ['a minute ago', { at: new Date(Date.now() - 60_000) }, 'ready'],
    ['in an hour', { at: new Date(Date.now() + 3_600_000) }, 'scheduled'],
    ['in the year 9999', { at: new Date('9999-12-31T00:00:00Z') }, 'scheduled'],
    ['after no delay', { delayMs: 0 }, 'ready'],
    ['after a minute', { delayMs: 60_000 }, 'scheduled'],
  ])('places a job that is due %s', async (_, time, state) => {
    const [{ before }] = (await store.test.database.query<{ before: Date }>(
      'select now() as before',
    )) as [{ before: Date }];
    const job = aNewJob(time);
    await store.enqueues.insert([job]);
    const found = await find(job.id);
    expect(found?.state).toBe(state);
    // A time in the past becomes now: behind the hints of all workers.
    expect(found!.runAt.getTime()).toBeGreaterThanOrEqual(before.getTime() - 1);
    if ('at' in time && state === 'scheduled') expect(found!.runAt).toEqual(time.at);
  });

  it('lets a batch in but for its duplicates, and answers with the jobs that hold their keys', async () => {
    const holder = await store.test.rows.job({ uniqueKey: 'held' });
    const batch = [
      aNewJob({ uniqueKey: 'z' }),
      aNewJob({ uniqueKey: 'held' }),
      aNewJob(),
      aNewJob({ uniqueKey: 'a' }),
      aNewJob({ uniqueKey: 'z' }),
    ];

    const answers = await store.enqueues.insert(batch);

    expect(answers.map((answer) => answer.created)).toEqual([true, false, true, true, false]);
    expect(answers[1]).toEqual({ id: holder.id, created: false, outcome: 'existing' });
    expect(answers[4]!.id).toBe(batch[0]!.id);
    expect(await count()).toBe(4);
  });

  it('gives a unique key free when its job has ended, and holds it per queue', async () => {
    const [first] = await store.enqueues.insert([aNewJob({ uniqueKey: 'key' })]);
    const other = await store.test.storage.lanes.of('pdf', '');
    expect(await store.enqueues.insert([aNewJob({ uniqueKey: 'key', lane: other })])).toMatchObject(
      [{ created: true }],
    );
    const sameQueue = await store.test.storage.lanes.of('mail', 'other-name');
    expect(
      await store.enqueues.insert([aNewJob({ uniqueKey: 'key', lane: sameQueue })]),
    ).toMatchObject([{ created: false, id: first!.id }]);

    await store.test.storage.cancels.byId(store.test.storage.database.callers.run, [first!.id], {
      '': DAY_MS,
    });
    expect(await store.enqueues.insert([aNewJob({ uniqueKey: 'key' })])).toMatchObject([
      { created: true },
    ]);
  });

  it("knows a caller's id while its job lives, and in archive and dead letter", async () => {
    const live = await store.test.rows.job({ state: 'running' });
    const archived = await store.test.rows.job();
    const dead = await store.test.rows.job({ state: 'running' });
    await store.test.storage.cancels.byId(store.test.storage.database.callers.run, [archived.id], {
      '': DAY_MS,
    });
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS } as const;
    await store.test.storage.settlements.bury('w', [{ ...dead, verdict }]);
    const batch = [live.id, archived.id, dead.id, store.ids.next()].map((id) =>
      aNewJob({ id, givenId: true, delayMs: 5_000 }),
    );

    const answers = await store.enqueues.insert(batch);

    expect(answers.map((answer) => answer.created)).toEqual([false, false, false, true]);
    expect(answers.map((answer) => answer.id)).toEqual(batch.map((job) => job.id));
    expect(await find(archived.id)).toMatchObject({ state: 'cancelled' });
    expect(await find(dead.id)).toMatchObject({ state: 'failed' });
    expect(await count()).toBe(2);
  });

  it("stores a caller's id once, also twice in one batch and with different keys", async () => {
    const id = store.ids.next();
    const answers = await store.enqueues.insert([
      aNewJob({ id, givenId: true, uniqueKey: 'b' }),
      aNewJob({ id, givenId: true, uniqueKey: 'a' }),
      aNewJob({ id, givenId: true }),
    ]);
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    expect(answers.map((answer) => answer.id)).toEqual([id, id, id]);
    expect(await count()).toBe(1);
  });

  it('does not lose a job to a unique key whose holder is taken back', async () => {
    const ended = await store.test.rows.job();
    await store.test.storage.cancels.byId(store.test.storage.database.callers.run, [ended.id], {
      '': DAY_MS,
    });

    const answers = await store.enqueues.insert([
      aNewJob({ id: ended.id, givenId: true, uniqueKey: 'key' }),
      aNewJob({ uniqueKey: 'key' }),
    ]);

    expect(answers.map((answer) => answer.created)).toEqual([false, true]);
    expect(await count()).toBe(1);
  });

  it('stores twelve thousand items in chunks, all or none', async () => {
    const batch = Array.from({ length: 12_000 }, () => aNewJob());
    const answers = await store.enqueues.insert(batch);
    expect(answers.map((answer) => answer.id)).toEqual(batch.map((job) => job.id));
    expect([await count(), await count('ready')]).toEqual([12_000, 12_000]);

    const bad = Array.from({ length: 6_000 }, (_, n) =>
      aNewJob(n === 5_999 ? { payload: 'no json' } : {}),
    );
    await expect(store.enqueues.insert(bad)).rejects.toMatchObject({
      code: 'DATABASE_ERROR',
      sqlState: '22P02',
    });
    expect(await count()).toBe(12_000);
  });

  it('stores a few huge items all or none, too: they are several statements', async () => {
    const huge = JSON.stringify('x'.repeat(9 * 1_024 * 1_024));
    const batch = [
      aNewJob({ payload: huge }),
      aNewJob({ payload: huge }),
      aNewJob({ payload: 'no json' }),
    ];
    await expect(store.enqueues.insert(batch)).rejects.toMatchObject({ code: 'DATABASE_ERROR' });
    expect(await count()).toBe(0);
  });

  it('runs a large batch in the order of the array, whatever its keys', async () => {
    const batch = Array.from({ length: 11_000 }, (_, n) =>
      aNewJob({ uniqueKey: String((n * 7_919) % 11_000) }),
    );
    const answers = await store.enqueues.insert(batch);
    expect(answers.every((answer) => answer.created)).toBe(true);
    const stored = await store.test.database.query<{ id: string }>(
      'select id from simple_queue.ready order by priority, run_at, id',
    );
    expect(stored.map((row) => row.id)).toEqual(batch.map((job) => job.id));
  });
});
