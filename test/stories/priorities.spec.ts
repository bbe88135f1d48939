import type { Provider } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { JobOptions } from '../../lib/job/enqueue-options.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { aHandler, PATIENT } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';

const EACH = 8;
/** Some 20 ms of work, so that nothing is claimed ahead, and next to none. */
const SLOW = 'select pg_catalog.count(*) from pg_catalog.generate_series(1, 150000)';
const QUICK = 'select 1';

interface Case {
  options?: SimpleQueueOptions;
  handler?: QueueHandlerOptions;
  low?: JobOptions;
  high?: JobOptions;
  work?: string;
}

const ONE = { concurrency: 1 };
const LABELS = {
  options: { ...ONE, worker: { labels: ['a', 'b'], autoStart: false } },
  low: { name: 'low', labels: ['a'] },
  high: { name: 'low', labels: ['b'] },
} satisfies Case;
const queueOf = (concurrency: number): SimpleQueueOptions => ({
  queues: { mail: { concurrency } },
});

/** With how many may begin before the urgent ones are met: two claims may be under way, each for all slots, and quick jobs end meanwhile. Where priorities did not count all but one began. */
const CASES: [string, Case, slots: number][] = [
  ['the process has one slot', { options: ONE }, 2],
  ['the process has one slot, and jobs are quick', { options: ONE, work: QUICK }, 12],
  ['the process has two', { options: { concurrency: 2 } }, 4],
  ['the queue has one', { options: queueOf(1) }, 2],
  ['the queue has one, and jobs are quick', { options: queueOf(1), work: QUICK }, 12],
  ['the queue has two', { options: queueOf(2) }, 4],
  ['the handler has one', { handler: ONE }, 2],
  ['labels differ', LABELS, 2],
]; // prettier-ignore

describe('priorities within a queue', () => {
  const story = aStory({ ...PATIENT, worker: { autoStart: false } });
  let begun: string[];

  beforeEach(() => {
    begun = [];
  });

  async function begin(payload: string, work: string): Promise<void> {
    begun.push(payload);
    await story.database.query(work);
  }

  function providers({ handler = {}, work = SLOW }: Case): Provider[] {
    @QueueHandler('mail', handler)
    class Mails {
      @HandleJob('low')
      low({ payload }: { payload: string }): Promise<void> {
        return begin(payload, work);
      }

      @HandleJob('high')
      high({ payload }: { payload: string }): Promise<void> {
        return begin(payload, work);
      }
    }
    return [Mails];
  }

  const items = (payload: string, count: number, options: JobOptions) =>
    Array.from({ length: count }, () => ({ payload, ...options }));

  /** How many less urgent jobs began before the last of the urgent ones. */
  const early = () => begun.slice(0, begun.lastIndexOf('high')).filter((each) => each === 'low').length; // prettier-ignore

  it.each(CASES)('hold between its names and labels where %s', async (_, given, slots) => {
    const { options, low = { name: 'low' }, high = { name: 'high' } } = given;
    const each = given.work ? 40 : EACH;
    const application = await story.start({ options, providers: providers(given) });
    const { queues, worker } = application;
    await queues.enqueueMany('mail', items('low', each, { ...low, priority: 100 }));
    await queues.enqueueMany('mail', items('high', each, { ...high, priority: -100 }));
    await worker.start();
    await eventually(() => application.seen('succeeded').length === 2 * each);

    // What had taken a slot before any claim had met the urgent ones.
    expect({ begun, isRight: early() <= slots }).toEqual({ begun, isRight: true });
  });

  // Quick ones that were claimed ahead run while the claim of the urgent ones is under way.
  it.each(CASES.filter(([, { work }]) => !work))(
    'hold for what comes beside a backlog where %s',
    async (_, given, slots) => {
      const { options, low = { name: 'low' }, high = { name: 'high' } } = given;
      const application = await story.start({ options, providers: providers(given) });
      const { queues, worker } = application;
      await queues.enqueueMany('mail', items('low', 3 * EACH, { ...low, priority: 100 }));
      await worker.start();
      await eventually(() => begun.length > 2);
      await queues.enqueueMany('mail', items('high', EACH, { ...high, priority: -100 }));
      await eventually(() => application.seen('succeeded').length === 4 * EACH);
      const between = begun.slice(begun.indexOf('high')).join(' ').split(/(?:high ?)+/); // prettier-ignore

      // Once they are met no other one begins, but for what was claimed with them.
      const isRight = between.slice(1, -1).join('').split('low').length - 1 <= slots;
      expect({ begun, isRight }).toEqual({ begun, isRight: true });
    },
  );

  it('hold up no other queue', async () => {
    const other = aHandler('other', () => (begun.push('other'), story.database.query(QUICK)));
    const application = await story.start({
      options: { concurrency: 1 },
      providers: [...providers({ work: QUICK }), other],
    });
    const { queues, worker } = application;
    await queues.enqueueMany('mail', items('low', 300, { name: 'low', priority: 100 }));
    await queues.enqueueMany('mail', items('high', 300, { name: 'high', priority: -100 }));
    await queues.enqueueMany('other', items('other', EACH, {}));
    await worker.start();
    await eventually(() => application.seen('succeeded').length === 600 + EACH);
    const before = begun.lastIndexOf('other');

    expect({ begun, isSoon: before < 150 }).toEqual({ begun, isSoon: true });
  });
});
