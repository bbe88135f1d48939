import { beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { RecordingQueueService } from '../../lib/testing/testing.js';

const Letters = defineJob({
  queue: 'mail',
  name: 'letter',
  payload: z.object({ to: z.string() }),
  output: z.object({ sentAt: z.coerce.date() }),
  defaults: { maxAttempts: 5 },
});

describe('the recording queue', () => {
  let queues: RecordingQueueService;

  beforeEach(() => {
    queues = new RecordingQueueService();
  });

  it('finds what was enqueued by a part of its payload, and lists everything where it finds nothing', async () => {
    await queues.enqueue('mail', { to: 'ann', letter: { kind: 'welcome', copies: 2 } });
    expect(
      queues.expectEnqueued('mail', { payload: { letter: { kind: 'welcome' } } }).payload,
    ).toMatchObject({ to: 'ann' });
    expect(() => queues.expectEnqueued('mail', { payload: { to: 'bob' } })).toThrow(
      /Expected a job in "mail".*\n.*mail {"to":"ann"/,
    );
  });

  it('knows live unique keys and ids', async () => {
    const first = await queues.enqueue('mail', 1, { uniqueKey: 'key' });
    expect(await queues.enqueue('mail', 2, { uniqueKey: 'key' })).toEqual({
      id: first.id,
      created: false,
      outcome: 'existing',
    });
    expect(await queues.cancel({ uniqueKey: 'key', queue: 'mail' })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect((await queues.enqueue('mail', 3, { uniqueKey: 'key' })).created).toBe(true);
  });

  it('takes back a batch of which one item is refused, however much was recorded before', async () => {
    await queues.enqueue('mail', 1);
    const [job] = queues.enqueued;
    while (queues.enqueued.length < 200_000) queues.enqueued.push(job!);
    await expect(
      queues.enqueueMany('mail', [{ payload: 2 }, { payload: 3, priority: NaN }]),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect(queues.enqueued).toHaveLength(200_000);
  });

  it('shows when a debounced job runs, as the real one does', async () => {
    const options = { uniqueKey: 'key', onConflict: 'debounce', periodMs: '1 min' } as const;
    const { id } = await queues.enqueue('mail', 1, options);
    const { state, runAt, createdAt } = (await queues.find(id))!;
    expect([state, runAt.getTime() - createdAt.getTime()]).toEqual(['scheduled', 60_000]);
    await queues.change(id, { delayMs: 0 });
    expect(await queues.find(id)).toMatchObject({ state: 'ready' });
  });

  it('replaces, postpones and throttles what has the key', async () => {
    const { id } = await queues.enqueue('mail', 1, { uniqueKey: 'key' });
    const outcomes = [];
    for (const mode of [
      { onConflict: 'replace' },
      { onConflict: 'debounce', periodMs: 5 },
      { onConflict: 'throttle', periodMs: 5 },
    ] as const)
      outcomes.push(await queues.enqueue('mail', mode.onConflict, { uniqueKey: 'key', ...mode }));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['replaced', 'postponed', 'throttled']);
    expect(outcomes.every((answer) => answer.id === id && !answer.created)).toBe(true);
    expect(queues.enqueued.map(({ payload }) => payload)).toEqual(['debounce']);
  });

  it('is full at maxPending, and takes back a batch that replaced something', async () => {
    await queues.enqueue('mail', 1, { uniqueKey: 'key', maxPending: 1 });
    await expect(queues.enqueue('mail', 2, { maxPending: 1 })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
    });
    const items = [
      { payload: 3, uniqueKey: 'key', onConflict: 'replace' } as const,
      { payload: 4 },
    ];
    await expect(queues.enqueueMany('mail', items, { maxPending: 1 })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
    });
    expect(queues.enqueued.map(({ payload }) => payload)).toEqual([1]);
    await expect(queues.enqueue('mail', 5, { maxPending: 0 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('refuses the options that the real one refuses', async () => {
    const { id } = await queues.enqueue('mail', { to: 'a' }, { manager: {} as never });
    for (const options of [{ manager: null }, { manger: {} }, null] as never[])
      for (const call of [
        () => queues.enqueue('mail', 1, options),
        () => queues.enqueueMany('mail', [{ payload: 1 }], options),
        () => queues.cancel({ id }, options),
        () => queues.commit(id, options),
        () => queues.abort(id, options),
        () => queues.find(id, options),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    for (const target of ['mail', Letters])
      await expect(queues.enqueueMany(target, 'jobs' as never)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    expect(queues.enqueued).toHaveLength(1);
  });

  it('checks as the real one does: a bad item stores none of its batch', async () => {
    const batch = queues.enqueueMany('mail', [{ payload: 1 }, { payload: 2n }]);
    await expect(batch).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' });
    expect(queues.enqueued).toEqual([]);
    await expect(queues.cancel({})).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    for (const call of [
      queues.find('x'),
      queues.wait('x'),
      queues.commit('x'),
      queues.abort('x'),
      queues.cancel({ id: 'x' }),
    ])
      await expect(call).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('"x" is not a UUID'),
      });
  });

  it('cancels a workflow, and tells labels', async () => {
    const { id } = await queues.enqueue('mail', 1, { workflowId: 'wf', labels: ['b', 'a'] });
    await queues.enqueue('mail', 2, { workflowId: 'other' });
    expect(await queues.cancel({ workflowId: 'wf' })).toEqual({ cancelled: 1, requested: 0 });
    expect(await queues.find(id)).toMatchObject({
      state: 'cancelled',
      workflowId: 'wf',
      labels: ['a', 'b'],
    });
  });

  it('says scheduled of what is for later', async () => {
    const { id } = await queues.enqueue('mail', 1, { delayMs: 60_000 });
    expect((await queues.find(id))?.state).toBe('scheduled');
  });

  it('checks templates as the real one does, and records their name and defaults', async () => {
    await queues.enqueue(Letters, { to: 'ann' }, { priority: 3 });
    expect(queues.expectEnqueued('mail').options).toEqual({
      name: 'letter',
      maxAttempts: 5,
      priority: 3,
    });
    await expect(queues.enqueue(Letters, { to: 5 } as never)).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
    await expect(
      queues.enqueueMany(Letters, [{ payload: { to: 'bob' } }, { payload: {} as never }]),
    ).rejects.toThrow(/^Item 1/);
    expect(queues.enqueued).toHaveLength(1);
  });

  it('ends jobs for those who wait as the test says', async () => {
    const { id } = await queues.enqueue('mail', 1, { payloadBytes: Buffer.from('x') });
    await expect(queues.wait(id)).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
    queues.willFail('mail', new TypeError('no address'));
    queues.willSucceed(Letters, { sentAt: '2030-01-01T00:00:00Z' });
    expect(await queues.wait(id)).toMatchObject({
      id,
      state: 'failed',
      error: { name: 'TypeError', message: 'no address' },
    });
    const end = await queues.enqueueAndWait(Letters, { to: 'ann' });
    expect(end).toMatchObject({
      state: 'succeeded',
      output: { sentAt: new Date(Date.UTC(2030, 0)) },
    });
    expect((await queues.find(id))?.payloadBytes).toEqual(Buffer.from('x'));
    await queues.cancel({ id });
    expect(await queues.wait(id)).toEqual({ id, state: 'cancelled' });
    await expect(queues.wait('018f0000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'JOB_UNKNOWN',
    });
  });
});
