import { describe, expect, it } from '@jest/globals';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('two-phase enqueue', () => {
  const story = aStory();
  const handler = () => aHandler('mail', () => 'done');
  const SLOW = { pollIntervalMs: 60_000 };

  it('a commit in another process wakes its worker, though that polls once a minute', async () => {
    const producer = await story.start({ options: { worker: false } });
    const worker = await story.start({ providers: [handler()], options: SLOW });
    const { id } = await producer.queues.enqueue('mail', {}, { staged: true });
    expect(await producer.queues.find(id)).toMatchObject({
      state: 'staged',
      commitBy: expect.any(Date),
    });
    expect(await producer.queues.commit(id)).toEqual({
      outcome: 'committed',
      won: true,
      state: 'ready',
    });
    await untilJobIs('succeeded', worker, id);
    expect(await producer.queues.abort(id)).toEqual({
      outcome: 'committed',
      won: false,
      state: 'succeeded',
    });
  });

  it('what depends on others runs behind them, in another process, without a poll', async () => {
    const producer = await story.start({ options: { worker: false } });
    const worker = await story.start({ providers: [handler()], options: SLOW });
    const first = (await producer.queues.enqueue('mail', {}, { delayMs: 3_600_000 })).id;
    const { id } = await producer.queues.enqueue('mail', {}, { dependsOn: [first] });
    expect(await producer.queues.find(id)).toMatchObject({ state: 'staged' });
    await producer.queues.change(first, { delayMs: 50 });
    await untilJobIs('succeeded', worker, id);
    const end = await worker.queues.find(first);
    expect(end).toMatchObject({ state: 'succeeded' });
  });

  it('commit without a wake-up: the poll finds it', async () => {
    const application = await story.start({ providers: [handler()], options: { wakeUp: 'off' } });
    const { id } = await application.queues.enqueue('mail', {}, { staged: true });
    // Past the library, as a hint that was lost.
    const { database, staged } = application.storage;
    await database.callers.transaction(async (run) => {
      await staged.take(run, id);
      await staged.commit(run, [id]);
    });
    await untilJobIs('succeeded', application, id);
  });

  it("a commit in the caller's transaction happens with it", async () => {
    const application = await story.start({ providers: [handler()] });
    const { queues, dataSource } = application;
    const { id } = await queues.enqueue('mail', {}, { staged: true });
    const undone = dataSource.transaction(async (manager) => {
      await queues.commit(id, { manager });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await queues.find(id)).toMatchObject({ state: 'staged' });
    await dataSource.transaction((manager) => queues.commit(id, { manager }));
    await untilJobIs('succeeded', application, id);
  });

  it('what nobody commits expires by itself, is told, and lets its group go on', async () => {
    const application = await story.start({ providers: [handler()] });
    const { queues } = application;
    const group = { group: 'a', ordered: true };
    const { id } = await queues.enqueue(
      'mail',
      {},
      { ...group, staged: true, commitWithinMs: 3_600_000 },
    );
    const next = await queues.enqueue('mail', {}, group);
    expect(await queues.find(next.id)).toMatchObject({ state: 'blocked' });

    await story.database.query(`update simple_queue.job set commit_by = now() + interval '1 second' where id = $1`, [id]); // prettier-ignore
    await untilJobIs('expired', application, id);
    await untilJobIs('succeeded', application, next.id);
    await eventually(() => application.seen('expired').length > 0);
    expect(await queues.commit(id)).toEqual({ outcome: 'expired', won: false, state: 'expired' });
  });

  it('refuses ids that are none', async () => {
    const application = await story.start({ options: { worker: false } });
    await expect(application.queues.commit('7')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(application.queues.abort('7')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
