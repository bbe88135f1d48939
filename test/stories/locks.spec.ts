import { describe, expect, it } from '@jest/globals';
import { JobResult } from '../../lib/job/job-result.js';
import { aHandler, failedLoops } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const items = (count: number, options = {}) =>
  Array.from({ length: count }, (_, n) => ({ payload: { n }, ...options }));

/** Far less than 40 locks waited for one after another. */
const PATIENCE = { timeoutMs: 4_000 };

describe('an open transaction holds up nobody else', () => {
  const story = aStory();

  it("of a handler: others settle and are claimed while it holds its job's row", async () => {
    const gate = aGate();
    const completed = aGate();
    const application = await story.start({
      providers: [
        aHandler('quick', () => 'quick'),
        aHandler('holder', (_job, context) =>
          application.dataSource.transaction(async (manager) => {
            await context.complete('held', { manager });
            completed.open();
            await gate.passed;
          }),
        ),
      ],
    });
    const { queues } = application;
    const [held] = await queues.enqueueMany('holder', items(1));
    await completed.passed;

    await queues.enqueueMany('quick', items(300));
    await eventually(() => expect(application.seen('succeeded').length).toBe(300));

    expect((await queues.find(held!.id))?.state).toBe('running');
    gate.open();
    await untilJobIs('succeeded', application, held!.id);
    expect(failedLoops(application)).toEqual([]);
  });

  it('of a caller that cancels many running jobs: the others settle, fail and are retried meanwhile', async () => {
    const gate = aGate();
    const application = await story.start({
      options: { concurrency: 200, queueConcurrency: 60 },
      providers: [
        aHandler('asked', () => gate.passed),
        aHandler('failing', () => JobResult.unprocessable('no')),
        aHandler('fine', () => 'fine'),
      ],
    });
    const { queues, dataSource } = application;
    const asked = await queues.enqueueMany('asked', items(40, { fingerprint: 'all' }));
    await eventually(() => expect(application.seen('started').length).toBe(40));

    await dataSource.transaction(async (manager) => {
      expect(await queues.cancel({ fingerprint: 'all' }, { manager })).toEqual({
        cancelled: 0,
        requested: 40,
      });
      gate.open();
      for (let round = 1; round <= 8; round++) {
        await queues.enqueueMany('failing', items(50));
        await queues.enqueueMany('fine', items(50));
        await eventually(() => {
          expect(application.seen('failed').length).toBe(round * 50);
          expect(application.seen('succeeded').length).toBe(round * 50);
        }, PATIENCE); // prettier-ignore
      }
    });

    for (const { id } of asked) await untilJobIs('succeeded', application, id);
  });

  it('of a caller that holds a unique key: claims and settles go on', async () => {
    const application = await story.start({ providers: [aHandler('beside', () => 'ok')] });
    const { queues, dataSource } = application;

    await dataSource.transaction(async (manager) => {
      await queues.enqueue('beside', {}, { manager, uniqueKey: 'held' });
      await queues.enqueueMany('beside', items(100));
      await eventually(() => expect(application.seen('succeeded').length).toBe(100));
    });

    await eventually(() => expect(application.seen('succeeded').length).toBe(101));
  });

  it('of a producer: its jobs, committed long after their time, are found while the queue is busy', async () => {
    const gate = aGate();
    const application = await story.start({
      options: { wakeUp: 'off' },
      providers: [
        aHandler('late', async (job) =>
          (job.payload as { n?: number }).n === 0
            ? undefined
            : new Promise((resolve) => setImmediate(resolve)),
        ),
      ],
    });
    const { queues, dataSource } = application;
    let late = '';

    const committed = dataSource.transaction(async (manager) => {
      ({ id: late } = await queues.enqueue('late', { late: true }, { manager }));
      await gate.passed;
    });
    await eventually(() => late !== '');
    await queues.enqueueMany('late', items(2_000));
    await eventually(() => expect(application.seen('succeeded').length).toBeGreaterThan(1_000));
    await queues.enqueueMany('late', items(5_000));
    gate.open();
    await committed;

    await untilJobIs('succeeded', application, late);
  });
});
