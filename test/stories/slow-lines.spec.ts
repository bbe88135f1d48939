import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import {
  aHandler,
  failedLoops,
  PATIENT,
  type TestApplication,
  type TestApplicationOptions,
} from '../support/application.js';
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
const items = (count: number, bytes: number) =>
  Array.from({ length: count }, () => ({ payload: heavy(bytes) }));

/** A statement that carries more than the line lets through at a time never ends: every batch has to find what fits. */
/** Of those that carry jobs; what else a busy machine is late with is not the line's. */
const lostStatements = (application: TestApplication): string[] =>
  failedLoops(application)
    .map(({ loop }) => loop)
    .filter((loop) => /^(poll|settle|fetch|suspect)/.test(loop));

describe('over a slow line', () => {
  const story = aStory();
  let proxy: TcpProxy;

  beforeAll(async () => {
    proxy = await TcpProxy.start(story.database.url);
  });

  afterAll(() => proxy.stop());

  const behindTheLine = async (
    bytes: number,
    given: TestApplicationOptions,
  ): Promise<TestApplication> => {
    await proxy.pass();
    // What is lost on the line takes its time, and nothing else may be late because the machine is busy.
    const options = { ...PATIENT, queryTimeoutMs: scaled(1_000), ...given.options };
    const typeorm = { url: proxy.url } as never;
    const application = await story.start({ ...given, options, typeorm });
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
    const application = await behindTheLine(350 * KB, {
      options,
      providers: [aHandler('heavy', () => undefined)],
    });
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(12), {
      timeoutMs: 25_000,
    });
  });

  it('one job as heavy as the line just bears comes through', async () => {
    const { queues } = await producer();
    await queues.enqueueMany('heavy', items(3, 1_000 * KB));
    const application = await behindTheLine(1_100 * KB, {
      providers: [aHandler('heavy', () => undefined)],
    });
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(3), {
      timeoutMs: 25_000,
    });
  });

  it('what is too heavy for the line holds up nothing else', async () => {
    const { queues } = await producer();
    await queues.enqueueMany('heavy', items(12, 400 * KB));
    const application = await behindTheLine(350 * KB, {
      options: { queryTimeoutMs: scaled(5_000) },
      providers: ['heavy', 'light'].map((queue) => aHandler(queue, () => undefined)),
    });
    const succeeded = (queue: string) =>
      application.seen('succeeded').filter((event) => event.queue === queue).length;
    for (let n = 1; n <= 20; n++) {
      await queues.enqueue('light', n);
      await eventually(() => expect(succeeded('light')).toBe(n));
    }
    expect(succeeded('heavy')).toBe(0);
    expect(lostStatements(application).filter((loop) => loop !== 'fetch')).toEqual([]);
    expect(application.seen('leaseLapsed')).toEqual([]);

    await proxy.pass();
    await eventually(() => expect(succeeded('heavy')).toBe(12), { timeoutMs: 25_000 });
  });

  it.each(['incompressible', 'compressible'])(
    '%s jobs of several queues come through, with no statement lost',
    async (kind) => {
      const { queues } = await producer();
      const payload = () => (kind === 'compressible' ? 'x'.repeat(900 * KB) : heavy(900 * KB));
      for (const queue of ['first', 'second']) await queues.enqueueMany(queue, Array.from({ length: 5 }, () => ({ payload: payload() }))); // prettier-ignore
      const application = await behindTheLine(1_100 * KB, {
        options: PATIENT,
        providers: ['first', 'second'].map((queue) => aHandler(queue, () => undefined)),
      });
      await eventually(() => expect(application.seen('succeeded')).toHaveLength(10), {
        timeoutMs: 25_000,
      });
      expect(lostStatements(application)).toEqual([]);
    },
  );

  it('batches of heavy jobs are full all the same, and nothing goes back', async () => {
    const sizes: number[] = [];
    class InBatches {
      process(jobs: unknown[]): void {
        sizes.push(jobs.length);
      }
    }
    QueueHandler('batches', { batch: { size: 4 } })(InBatches);
    const { queues } = await producer();
    await queues.enqueueMany('batches', items(8, 900 * KB));
    const application = await behindTheLine(1_100 * KB, {
      options: PATIENT,
      providers: [InBatches],
    });
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(8), {
      timeoutMs: 25_000,
    });
    expect(sizes).toEqual([4, 4]);
    expect(application.seen('released')).toEqual([]);
  });

  it.each<[string, (application: TestApplication) => Promise<unknown>]>([
    ['the process stops', (application) => application.close()],
    ['their queue is paused', ({ app }) => app.get(QueueAdmin, { strict: false }).pause('paused')],
  ])('heavy jobs on their way go back when %s', async (what, stop) => {
    const queue = what.includes('paused') ? 'paused' : 'stopped';
    const { queues } = await producer();
    await queues.enqueueMany(queue, items(4, 400 * KB));
    const application = await behindTheLine(350 * KB, {
      options: { queryTimeoutMs: 5_000 },
      providers: [aHandler(queue, () => undefined)],
    });
    const held = () => story.database.query('select unnest(jobs) from simple_queue.claim');
    await eventually(async () => expect(await held()).toHaveLength(4));
    await stop(application);
    // A claim that was still on its way may bring one of them a second time: it goes back again.
    const released = () => new Set(application.seen('released').map(({ id }) => id));
    await eventually(() => expect(released().size).toBe(4));
    expect(application.seen('started')).toEqual([]);
  });

  it('outputs larger than a statement of claims should carry go apart, with no statement lost', async () => {
    const options: SimpleQueueOptions = { ...PATIENT, maxOutputBytes: 1_000 * KB };
    const handler = aHandler('outputs', () => heavy(900 * KB));
    const application = await behindTheLine(1_100 * KB, { options, providers: [handler] });
    const jobs = await application.queues.enqueueMany('outputs', items(8, 1));
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(8), {
      timeoutMs: 25_000,
    });
    expect(lostStatements(application)).toEqual([]);
    await proxy.pass();
    expect(String((await application.queues.find(jobs[0]!.id))!.output)).toHaveLength(900 * KB);
  });

  it('errors leave half a mebibyte at a time, with no statement lost', async () => {
    const gate = aGate();
    const error = () =>
      Promise.reject(Object.assign(new Error(heavy(2 * KB)), { stack: heavy(8 * KB) }));
    const handler = aHandler('ends', () => gate.passed.then(error), {
      concurrency: 100,
      maxAttempts: 1,
    });
    const application = await behindTheLine(700 * KB, { options: PATIENT, providers: [handler] });
    await application.queues.enqueueMany('ends', items(100, 1));
    await eventually(() => expect(application.seen('started')).toHaveLength(100));
    gate.open();
    await eventually(() => expect(application.seen('failed')).toHaveLength(100), {
      timeoutMs: 25_000,
    });
    expect(lostStatements(application)).toEqual([]);
  });

  it('outputs leave a quarter of a mebibyte at a time, with no statement lost', async () => {
    const gate = aGate();
    const handler = aHandler('outputs', () => gate.passed.then(() => heavy(60 * KB)), {
      concurrency: 60,
    });
    const application = await behindTheLine(350 * KB, { options: PATIENT, providers: [handler] });
    await application.queues.enqueueMany('outputs', items(60, 1));
    await eventually(() => expect(application.seen('started')).toHaveLength(60));
    gate.open();
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(60), {
      timeoutMs: 25_000,
    });
    expect(lostStatements(application)).toEqual([]);
  });

  it.each<[string, () => unknown, 'succeeded' | 'failed']>([
    ['outputs', () => heavy(60 * KB), 'succeeded'],
    [
      'errors',
      () => Promise.reject(Object.assign(new Error(heavy(2 * KB)), { stack: heavy(8 * KB) })),
      'failed',
    ],
  ])('%s that are still too heavy leave fewer at a time', async (_, answer, event) => {
    const gate = aGate();
    const handler = aHandler('ends', () => gate.passed.then(answer), {
      concurrency: 30,
      maxAttempts: 1,
    });
    const application = await behindTheLine(200 * KB, { providers: [handler] });
    await application.queues.enqueueMany('ends', items(30, 1));
    await eventually(() => expect(application.seen('started')).toHaveLength(30));
    gate.open();
    await eventually(() => expect(application.seen(event)).toHaveLength(30), { timeoutMs: 25_000 });
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
        const { leaseId, jobs } = await remote.claim({
          workerId: 'far',
          queues: ['remote'],
          limit: 12,
          leaseMs: scaled(1_000),
        });
        for (const { id } of jobs) {
          await remote.complete(leaseId, id);
          done++;
        }
        await remote.reapExpiredLeases();
        expect(done).toBe(12);
      },
      { timeoutMs: 25_000 },
    );
  });
});
