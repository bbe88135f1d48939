import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { JobResult } from '../../lib/job/job-result.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

const context = new AsyncLocalStorage<string>();

/** What nothing but the caller's own code may ever see. */
const inRequest = <Result>(work: () => Result): Result => context.run('a request', work);

/** Each statement with the context in which it left. */
function statements(): [text: string, store: string | undefined][] {
  const seen: [string, string | undefined][] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its client
  const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  jest.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [config] = args as [string | { name?: string; text: string }];
    seen.push([
      typeof config === 'string' ? config : (config.name ?? config.text),
      context.getStore(),
    ]);
    return query.apply(this, args);
  });
  return seen;
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a handler', () => {
  const story = aStory();
  const seen: (string | undefined)[] = [];
  const look = () => void seen.push(context.getStore());
  const handlers = [
    aHandler('work', look),
    aHandler('retried', (job) => (look(), job.attempt === 1 ? JobResult.retryIn(1) : undefined), {
      maxAttempts: 2,
    }),
    aHandler('batched', look, { batch: { size: 3, lingerMs: 5 } }),
    aHandler('transactional', look, { transactional: true }),
  ];
  const many = Array.from({ length: 30 }, () => ({ payload: null }));

  it.each<[string, number, (application: TestApplication) => Promise<unknown>]>([
    ['stored as claimed', 1, ({ queues }) => queues.enqueue('work', null)],
    ['woken for', 30, ({ queues }) => queues.enqueueMany('work', many)],
    [
      'stored by many callers at once',
      30,
      ({ queues }) => Promise.all(many.map(() => queues.enqueue('work', null))),
    ],
    [
      'woken for by a commit',
      1,
      ({ queues, dataSource }) =>
        dataSource.transaction((manager) => queues.enqueue('work', null, { manager })),
    ],
    ['promoted', 1, ({ queues }) => queues.enqueue('work', null, { delayMs: 5 })],
    [
      'with a key of its own',
      1,
      ({ queues }) => queues.enqueue('work', null, { uniqueKey: 'one' }),
    ],
    [
      'committed after it was staged',
      1,
      async ({ queues }) =>
        queues.commit((await queues.enqueue('work', null, { staged: true })).id),
    ],
    ['tried again', 2, ({ queues }) => queues.enqueue('retried', null)],
    ['of a batch that lingers', 1, ({ queues }) => queues.enqueueMany('batched', many.slice(0, 2))],
    ['with a transaction', 1, ({ queues }) => queues.enqueue('transactional', null)],
    ['waited for', 1, ({ queues }) => queues.enqueueAndWait('work', null)],
  ])('never inherits the context of who enqueued its job: %s', async (_, calls, enqueue) => {
    const application = await story.start({ providers: handlers });
    await eventually(() => expect(application.seen('workerStarted')).toHaveLength(1));
    seen.length = 0;
    await inRequest(() => enqueue(application));
    await eventually(() => expect(seen).toHaveLength(calls));
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });

  it('keeps for itself what it enters', async () => {
    const before: (string | undefined)[] = [];
    const enter = (job: { id: string }) => {
      before.push(context.getStore());
      context.enterWith(job.id);
    };
    const providers = [
      aHandler('enters', enter, { concurrency: 2 }),
      aHandler('batches', (jobs) => enter((jobs as unknown as { id: string }[])[0]!), {
        batch: { size: 2, lingerMs: 0 },
        concurrency: 2,
      }),
    ];
    const application = await story.start({ providers });
    await application.queues.enqueueMany('enters', many);
    await application.queues.enqueueMany('batches', many);
    await application.worker.runUntilEmpty();
    expect(before.length).toBeGreaterThan(30);
    expect(new Set(before)).toEqual(new Set([undefined]));
  });

  it('keeps for itself what it enters when it is asked for a permit', async () => {
    const before: (string | undefined)[] = [];
    class Careful {
      acquire(job: { id: string }) {
        before.push(context.getStore());
        context.enterWith(job.id);
        return JobResult.cancel('not today');
      }
      process(): void {}
    }
    QueueHandler('careful')(Careful);
    const application = await story.start({ providers: [Careful] });
    await application.queues.enqueueMany('careful', many);
    await application.worker.runUntilEmpty();
    expect(before).toEqual(many.map(() => undefined));
  });
});

describe('the loops', () => {
  const story = aStory();

  it.each<[string, () => Promise<TestApplication>]>([
    [
      'the worker is started',
      async () => {
        const application = await story.start({
          options: { worker: { autoStart: false } },
          providers: [aHandler('work', () => 1)],
        });
        await inRequest(() => application.worker.start());
        return application;
      },
    ],
    [
      'the application is started',
      () => inRequest(() => story.start({ providers: [aHandler('work', () => 1)] })),
    ],
  ])('stay outside when %s in a context', async (_, start) => {
    const left = statements();
    const application = await start();
    const { id } = await application.queues.enqueue('work', null);
    await untilJobIs('succeeded', application, id);
    await eventually(() =>
      expect(left.filter(([name]) => name === 'sq_renew_lease').length).toBeGreaterThan(1),
    );
    const ours = left.filter(([name]) => name.startsWith('sq_'));
    expect(ours.filter(([, store]) => store !== undefined)).toEqual([]);
  });

  it('leave no context in a connection that a request happened to open', async () => {
    // No worker, whose loops open connections as well.
    const application = await story.start({ options: { worker: false } });
    const left = statements();
    // It may not share: it opens a connection of the callers' own pool.
    await inRequest(() => application.queues.enqueue('work', null, { uniqueKey: 'one' }));
    const opened = left.filter(([text]) => text.startsWith('set enable_seqscan'));
    expect(opened.map(([, store]) => store)).toEqual([undefined]);
  });
});

it('a subscriber hears where it subscribed, not where somebody enqueues', async () => {
  const database = await aDatabase();
  const application = await anApplication(database, { options: { worker: false } });
  const heard: (string | undefined)[] = [];
  const subscribe = () =>
    application.app
      .get(JobQueue, { strict: false })
      .subscribe(() => void heard.push(context.getStore()));
  const stop = context.run('the subscriber', subscribe);
  await inRequest(() => application.queues.enqueueMany('work', [{ payload: 1 }, { payload: 2 }]));
  await eventually(() => expect(heard.length).toBeGreaterThan(0));
  stop();
  await application.close();
  await database.drop();
  expect(new Set(heard)).toEqual(new Set(['the subscriber']));
});
