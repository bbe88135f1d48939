import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { aHandler, type TestApplication, type TestApplicationOptions } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory } from '../support/story.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { scaled } from '../support/patience.mjs';

const KB = 1_000;
/** Nobody can press it together. */
const heavy = (bytes: number): string => {
  let text = '';
  while (text.length < bytes) text += Math.random().toString(36).slice(2);
  return text.slice(0, bytes);
};
const items = (count: number, bytes: number) => Array.from({ length: count }, () => ({ payload: heavy(bytes) }));

/** A statement that carries more than the line lets through at a time never ends: every batch has to find what fits. */
describe('over a slow line', () => {
  const story = aStory();
  let proxy: TcpProxy;

  beforeAll(async () => {
    proxy = await TcpProxy.start(story.database.url);
  });

  afterAll(() => proxy.stop());

  const behindTheLine = async (bytes: number, given: TestApplicationOptions): Promise<TestApplication> => {
    await proxy.pass();
    const application = await story.start({ ...given, typeorm: { url: proxy.url } as never });
    proxy.narrow(bytes);
    return application;
  };
  const producer = (options?: SimpleQueueOptions): Promise<TestApplication> =>
    story.start({ options: { ...options, worker: false } });

  it.each<[string, SimpleQueueOptions]>([
    ['jobs', {}],
    ['jobs of a fair queue', { queues: { heavy: { fair: true } } }],
  ])('%s that are heavy together are claimed a few at a time', async (_, options) => {
    const { queues } = await producer(options);
    await queues.enqueueMany('heavy', items(12, 100 * KB).map((item, n) => ({ ...item, group: options.queues && `g${n % 3}` }))); // prettier-ignore
    const application = await behindTheLine(350 * KB, { options, providers: [aHandler('heavy', () => undefined)] });
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(12), { timeoutMs: 25_000 });
  });

  it('one job as heavy as the line just bears comes through', async () => {
    const { queues } = await producer();
    await queues.enqueueMany('heavy', items(3, 1_000 * KB));
    const application = await behindTheLine(1_100 * KB, { providers: [aHandler('heavy', () => undefined)] });
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(3), { timeoutMs: 25_000 });
  });

  it('outputs leave a mebibyte at a time, with no statement lost', async () => {
    const gate = aGate();
    const handler = aHandler('outputs', () => gate.passed.then(() => heavy(60 * KB)), { concurrency: 60 });
    const application = await behindTheLine(1_500 * KB, { providers: [handler] });
    await application.queues.enqueueMany('outputs', items(60, 1));
    await eventually(() => expect(application.seen('started')).toHaveLength(60));
    gate.open();
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(60), { timeoutMs: 25_000 });
    expect(application.seen('loopFailed')).toEqual([]);
  });

  it.each<[string, () => unknown, 'succeeded' | 'failed']>([
    ['outputs', () => heavy(60 * KB), 'succeeded'],
    ['errors', () => Promise.reject(Object.assign(new Error(heavy(2 * KB)), { stack: heavy(8 * KB) })), 'failed'],
  ])('%s that are still too heavy leave fewer at a time', async (_, answer, event) => {
    const gate = aGate();
    const handler = aHandler('ends', () => gate.passed.then(answer), { concurrency: 60, maxAttempts: 1 });
    const application = await behindTheLine(200 * KB, { providers: [handler] });
    await application.queues.enqueueMany('ends', items(60, 1));
    await eventually(() => expect(application.seen('started')).toHaveLength(60));
    gate.open();
    await eventually(() => expect(application.seen(event)).toHaveLength(60), { timeoutMs: 25_000 });
  });

  it('a batch of heavy jobs is enqueued a few at a time', async () => {
    const application = await behindTheLine(2_200 * KB, { options: { worker: false } });
    const jobs = await application.queues.enqueueMany('heavy', items(6, 900 * KB));
    expect(jobs).toHaveLength(6);
  });

  it('a remote worker that asks for more than comes through gets what does', async () => {
    const { queues } = await producer();
    await queues.enqueueMany('remote', items(12, 100 * KB));
    const application = await behindTheLine(350 * KB, { options: { worker: false } });
    const remote = application.app.get(JobQueue, { strict: false });
    let done = 0;
    await eventually(
      async () => {
        const { leaseId, jobs } = await remote.claim({ workerId: 'far', queues: ['remote'], limit: 12, leaseMs: scaled(1_000) });
        for (const { id } of jobs) await remote.complete(leaseId, id);
        done += jobs.length;
        await remote.reapExpiredLeases();
        expect(done).toBe(12);
      },
      { timeoutMs: 25_000 },
    );
  });
});
