import { describe, expect, it } from '@jest/globals';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { SELDOM, untilIdle } from '../support/lanes-of.js';
import { aStory, untilJobIs } from '../support/story.js';
import { scaled } from '../support/patience.mjs';

/** What a job of each kind leaves among the ready ones of an idle worker's process. */
describe('a job that is stored beside an idle worker', () => {
  const story = aStory();
  const readyOnes = async () =>
    (await story.database.query('select from simple_queue.ready')).length;
  const claims = async () =>
    (await story.database.query<{ jobs: string[] }>('select jobs from simple_queue.claim')).flatMap(
      (row) => row.jobs,
    );

  it('is claimed as it is stored, and never stands among the ready ones', async () => {
    const gate = aGate();
    const application = await story.start({
      options: SELDOM,
      providers: [aHandler('now', () => gate.passed)],
    });
    await untilIdle(application);

    const { id } = await application.queues.enqueue(
      'now',
      { n: 1 },
      { headers: { tenant: 'a' }, maxAttempts: 7, payloadBytes: Buffer.from([1, 255]) },
    );

    expect(await claims()).toEqual([id]);
    expect(await readyOnes()).toBe(0);
    gate.open();
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({
      payload: { n: 1 },
      headers: { tenant: 'a' },
      attempt: 1,
    });
  });

  it('reaches its handler with all that it was enqueued with', async () => {
    let got: unknown;
    const handler = aHandler('facts', (job) => {
      const {
        id,
        payload,
        payloadBytes,
        priority,
        fingerprint,
        headers,
        maxAttempts,
        attempt,
        createdAt,
        runAt,
      } = job;
      got = {
        id,
        payload,
        bytes: payloadBytes,
        priority,
        fingerprint,
        headers,
        maxAttempts,
        attempt,
        same: +createdAt === +runAt,
      };
    });
    const application = await story.start({ providers: [handler] });
    const options = {
      priority: -3,
      fingerprint: 'tag',
      headers: { a: 'b' },
      maxAttempts: 9,
      payloadBytes: Buffer.from([0, 254]),
    };

    const { id } = await application.queues.enqueue('facts', { deep: ['é', null] }, options);

    await untilJobIs('succeeded', application, id);
    const { payloadBytes: bytes, ...rest } = options;
    expect(got).toEqual({
      id,
      payload: { deep: ['é', null] },
      bytes,
      ...rest,
      attempt: 1,
      same: true,
    });
  });

  it('begins after its caller has the answer', async () => {
    const order: string[] = [];
    const application = await story.start({
      options: SELDOM,
      providers: [aHandler('order', () => void order.push('handler'))],
    });
    await untilIdle(application);
    const { id } = await application.queues.enqueue('order', {});
    order.push('caller');
    await untilJobIs('succeeded', application, id);
    expect(order).toEqual(['caller', 'handler']);
  });

  it('is retried like any other when its handler fails', async () => {
    let runs = 0;
    const handler = aHandler('flaky', () => {
      if (++runs < 3) throw new Error('not yet');
    });
    const application = await story.start({
      providers: [handler],
      options: { backoff: { type: 'constant', delayMs: 0 } },
    });
    const { id } = await application.queues.enqueue('flaky', {});
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 3 });
  });

  it('stands in line where more run than may: the limit holds', async () => {
    let [running, most] = [0, 0];
    const gate = aGate();
    const handler = aHandler('few', async () => {
      most = Math.max(most, ++running);
      await gate.passed;
      running--;
    });
    const application = await story.start({
      providers: [handler],
      options: { queueConcurrency: 2 },
    });
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push((await application.queues.enqueue('few', { n })).id);
    await eventually(() => expect(running).toBe(2));
    gate.open();
    for (const id of ids) await untilJobIs('succeeded', application, id);
    expect(most).toBe(2);
  });

  it('is given back, unspent, when the worker stops before it began', async () => {
    const application = await story.start({
      providers: [aHandler('late', () => undefined)],
      options: { shutdownGraceMs: scaled(1_000) },
    });
    const enqueues = Array.from({ length: 20 }, (_, n) =>
      application.queues.enqueue('late', { n }),
    );
    const stopped = application.worker.stop();
    const ids = (await Promise.all(enqueues)).map(({ id }) => id);
    await stopped;

    expect(await claims()).toEqual([]);
    for (const id of ids) {
      const { state, attempt, stalls } = (await application.queues.find(id))!;
      expect({ state, attempt, stalls }).toEqual(
        state === 'succeeded'
          ? { state, attempt: 1, stalls: 0 }
          : { state: 'ready', attempt: 0, stalls: 0 },
      );
    }
  });

  it('is not taken by a worker that is paused, or has no handler for it', async () => {
    const application = await story.start({ providers: [aHandler('served', () => undefined)] });
    const { id } = await application.queues.enqueue('unserved', {});
    expect(await application.queues.find(id)).toMatchObject({ state: 'ready' });
    await application.queues.cancel({ id });
  });
});
