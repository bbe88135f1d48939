import type { Provider } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { JobOptions } from '../../lib/job/enqueue-options.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory } from '../support/story.js';

const BACKLOG = 800;
const QUICK = 10;
/** Starts of the backlog before the first of what came later. Without turns it is nearly all of the backlog. */
const SOON = 200;

type Target = [queue: string, options?: JobOptions];

interface Case {
  options?: SimpleQueueOptions;
  providers: (work: Work) => Provider[];
  bulk?: Target;
  quick?: Target;
}

/** Each job lasts as long as a few statements do: claims and jobs are slow on the same machines. */
class Work {
  readonly begun = { bulk: 0, quick: 0, long: 0 };
  bulkBeforeQuick: number | undefined;

  constructor(private readonly query: (sql: string) => Promise<unknown>) {}

  async begin(kind: 'bulk' | 'quick'): Promise<void> {
    this.begun[kind]++;
    if (kind === 'quick') this.bulkBeforeQuick ??= this.begun.bulk;
    for (let n = 0; n < 3; n++) await this.query('select 1');
  }
}

const bothQueues =
  (ofBulk: QueueHandlerOptions = {}, ofQuick = ofBulk) =>
  (work: Work): Provider[] => [
    aHandler('bulk', () => work.begin('bulk'), ofBulk),
    aHandler('quick', () => work.begin('quick'), ofQuick),
  ];

const bothNames =
  (options: QueueHandlerOptions = {}) =>
  (work: Work): Provider[] => {
    @QueueHandler('mail', options)
    class Mails {
      @HandleJob('bulk')
      bulk(): Promise<void> {
        return work.begin('bulk');
      }

      @HandleJob('quick')
      quick(): Promise<void> {
        return work.begin('quick');
      }
    }
    return [Mails];
  };

const ofAnyQueue = (queue: string) => (work: Work) => [
  aHandler(queue, (job) => work.begin(job.queue.endsWith('quick') ? 'quick' : 'bulk')),
];

const TEN = { concurrency: 10 };
const BATCHES = { batch: { size: 5 } };
const URGENT: Target = ['mail', { name: 'quick', priority: -100 }];
const NAMES = {
  bulk: ['mail', { name: 'bulk' }],
  quick: ['mail', { name: 'quick' }],
} satisfies Partial<Case>;
const idle = Array.from({ length: 100 }, (_, n) => aHandler(`idle.${n}`, () => undefined));

const CASES: [string, Case][] = [
  ['of a queue, by an urgent job of another name', { providers: bothNames(), ...NAMES, quick: URGENT }],
  ['of a queue, by another name', { providers: bothNames(), ...NAMES }],
  ['of a queue, by a job with other labels', {
    options: { worker: { labels: ['a', 'b'] } },
    providers: (work) => [aHandler('mail', (job) => work.begin(job.payload))],
    bulk: ['mail', { labels: ['a'] }],
    quick: ['mail', { labels: ['b'] }],
  }],
  ['of a handler, by another name', { options: { queues: { mail: { concurrency: 50 } } }, providers: bothNames(TEN), ...NAMES }],
  ['of open transactions, by another queue', { providers: bothQueues({ transactional: true }) }],
  ['of the process, by another queue', { options: TEN, providers: bothQueues() }],
  ['of the process, of one permit', { options: { concurrency: 1, queueConcurrency: 1 }, providers: bothQueues() }],
  ['of the process, by a queue with a range', { options: TEN, providers: bothQueues({}, { concurrency: { min: 2, max: 4 } }) }],
  ['of the process, by a queue of batches', { options: TEN, providers: bothQueues({}, BATCHES) }],
  ['of the process in batches, by a queue of single jobs', { options: TEN, providers: bothQueues(BATCHES, {}) }],
  ['of the process, by a queue that nobody has seen yet', {
    options: TEN,
    providers: ofAnyQueue('*'),
    bulk: ['tenants.bulk'],
    quick: ['tenants.quick'],
  }],
  ['of the process, by one of 100 idle queues', { options: TEN, providers: (work) => [...bothQueues()(work), ...idle] }],
  ['of the process, by the first jobs ever of a fair queue', {
    options: { ...TEN, queues: { quick: { fair: true } } },
    providers: bothQueues(),
  }],
  ['of the process from a fair queue, by another queue', {
    options: { ...TEN, queues: { bulk: { fair: true } } },
    providers: bothQueues(),
  }],
]; // prettier-ignore

const items = (count: number, payload: string, options: JobOptions = {}) =>
  Array.from({ length: count }, () => ({ payload, ...options }));

/** Counted in starts, never in time. */
describe('a limit that is taken up by a backlog', () => {
  const story = aStory(PATIENT);
  let work: Work;

  beforeEach(() => {
    work = new Work((sql) => story.database.query(sql));
  });

  /** How many of the backlog have begun since the quick ones were committed. */
  async function startsBefore(
    { queues }: TestApplication,
    [queue, options]: Target,
  ): Promise<number> {
    await eventually(() => work.begun.bulk > 100);
    await queues.enqueueMany(queue, items(QUICK, 'quick', options));
    const before = work.begun.bulk;
    await eventually(() => work.begun.quick > 0, { timeoutMs: 30_000 });
    return work.bulkBeforeQuick! - before;
  }

  it.each(CASES)(
    '%s, is shared: what comes later waits for few jobs',
    async (_, { options, providers, ...given }) => {
      const { bulk: [bulk, ofBulk] = ['bulk'], quick = ['quick'] } = given; // prettier-ignore
      const application = await story.start({ options, providers: providers(work) });
      await application.queues.enqueueMany(bulk, items(BACKLOG, 'bulk', ofBulk));
      const starts = await startsBefore(application, quick);

      expect({ starts, isSoon: starts < SOON }).toEqual({ starts, isSoon: true });
      await eventually(() => application.seen('succeeded').length >= BACKLOG + QUICK, {
        timeoutMs: 30_000,
      });
    },
  );

  it('is shared at once by a backlog whose jobs became slow, whatever it had claimed ahead', async () => {
    const slow = async (): Promise<void> => {
      for (let n = 0; n < 10 && work.begun.quick === 0; n++) await story.database.query('select 1');
    };
    const bulk = aHandler('bulk', () => (++work.begun.bulk > 300 ? slow() : undefined));
    const quick = aHandler('quick', () => work.begin('quick'));
    const application = await story.start({
      options: { concurrency: 1, queueConcurrency: 1 },
      providers: [bulk, quick],
    });
    await application.queues.enqueueMany('bulk', items(2_000, 'bulk'));
    await eventually(() => work.begun.bulk > 300);
    const starts = await startsBefore(application, ['quick']);

    expect({ starts, isSoon: starts < 30 }).toEqual({ starts, isSoon: true });
    await eventually(() => application.seen('succeeded').length === 2_000 + QUICK, { timeoutMs: 30_000 }); // prettier-ignore
  });

  it('is shared by the rest where jobs of hours hold some of it', async () => {
    const gate = aGate();
    const providers = [
      ...bothQueues()(work),
      aHandler('long', () => (work.begun.long++, gate.passed), { concurrency: 6 }),
    ];
    const application = await story.start({ options: TEN, providers });
    await application.queues.enqueueMany('long', items(20, 'long'));
    await eventually(() => work.begun.long === 6);
    await application.queues.enqueueMany('bulk', items(BACKLOG, 'bulk'));
    const starts = await startsBefore(application, ['quick']);

    expect({ starts, isSoon: starts < SOON }).toEqual({ starts, isSoon: true });
    await eventually(() => application.seen('succeeded').length === BACKLOG + QUICK, {
      timeoutMs: 30_000,
    });
    expect(work.begun.long).toBe(6);
    gate.open();
    await eventually(() => application.seen('succeeded').length === BACKLOG + QUICK + 20);
  });

  it('is whole again after a stop in the middle, and each job begins once', async () => {
    const application = await story.start({ options: TEN, providers: bothQueues()(work) });
    await application.queues.enqueueMany('bulk', items(BACKLOG, 'bulk'));
    await startsBefore(application, ['quick']);
    await application.worker.stop();
    const begun = work.begun.bulk + work.begun.quick;
    expect(application.seen('succeeded')).toHaveLength(begun);

    await application.worker.start();
    await eventually(() => application.seen('succeeded').length >= BACKLOG + QUICK, {
      timeoutMs: 30_000,
    });
    expect(work.begun).toEqual({ bulk: BACKLOG, quick: QUICK, long: 0 });
  });
});
