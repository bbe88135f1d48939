import { describe, expect, it } from '@jest/globals';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

const items = (count: number) => Array.from({ length: count }, (_, n) => ({ payload: { n } }));

describe('who works what', () => {
  const story = aStory();

  it('leaves unknown names and queues without a handler waiting, failed by nobody', async () => {
    class Letters {
      write(): string {
        return 'written';
      }
    }
    HandleJob('write')(
      Letters.prototype,
      'write',
      Object.getOwnPropertyDescriptor(Letters.prototype, 'write')!,
    );
    QueueHandler('letters')(Letters);
    // The first look may come between the enqueues; by default the next one is a minute later.
    const options = { janitorIntervalMs: 200 };
    const application = await story.start({ providers: [Letters], options });
    const { queues } = application;
    const unknown = await queues.enqueue('letters', {}, { name: 'shred', maxAttempts: 1 });
    const nobody = await queues.enqueue('nobodys', {}, { maxAttempts: 1 });
    const known = await queues.enqueue('letters', {}, { name: 'write' });

    await untilJobIs('succeeded', application, known.id);
    await eventually(() =>
      expect(
        application.seen('warning').filter(({ code }) => code === 'HANDLER_MISSING').length,
      ).toBeGreaterThanOrEqual(2),
    );

    for (const { id } of [unknown, nobody])
      expect(await queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
  });

  it('hands them to a worker that comes later and knows them: a rolling deploy loses nothing', async () => {
    const old = await story.start({ providers: [aHandler('known', () => undefined)] });
    const jobs = await old.queues.enqueueMany('new-in-this-version', items(20));

    const next = await story.start({ providers: [aHandler('new-in-this-version', () => 'new')] });

    for (const { id } of jobs) await untilJobIs('succeeded', next, id);
  });

  it('works the queues it is told to, by name and by prefix', async () => {
    const application = await story.start({
      options: { worker: { queues: ['mail.*', 'reports'] } },
      providers: ['mail.bulk', 'mail.urgent', 'reports', 'others'].map((queue) =>
        aHandler(queue, () => undefined),
      ),
    });
    const { queues } = application;
    const served = await Promise.all(
      ['mail.bulk', 'mail.urgent', 'reports'].map((queue) => queues.enqueue(queue, {})),
    );
    const other = await queues.enqueue('others', {});

    for (const { id } of served) await untilJobIs('succeeded', application, id);

    expect((await queues.find(other.id))?.state).toBe('ready');
  });

  it('enqueues, cancels and finds with `worker: false`, and runs nothing', async () => {
    const application = await story.start({
      options: { worker: false },
      providers: [aHandler('idle', () => undefined)],
    });
    const { id } = await application.queues.enqueue('idle', {});

    expect((await application.queues.find(id))?.state).toBe('ready');
    expect(await story.database.query('select from simple_queue.lease')).toEqual([]);
    await expect(application.worker.start()).rejects.toMatchObject({ code: 'WORKER_DISABLED' });
    expect(await application.queues.cancel({ id })).toEqual({ cancelled: 1, requested: 0 });
  });

  it('shares a queue among several workers, each job run once', async () => {
    const ran: string[] = [];
    const providers = [aHandler('shared', async (job) => void ran.push(job.id))];
    const workers = [
      await story.start({ providers }),
      await story.start({ providers }),
      await story.start({ providers }),
    ];

    const jobs = await workers[0]!.queues.enqueueMany('shared', items(3_000));
    await eventually(() => expect(ran.length).toBe(3_000));

    expect(new Set(ran)).toEqual(new Set(jobs.map(({ id }) => id)));
    await eventually(() =>
      expect(workers.reduce((sum, each) => sum + each.seen('succeeded').length, 0)).toBe(3_000),
    );
  });

  it('serves one job in each of 200 queues', async () => {
    const names = Array.from({ length: 200 }, (_, n) => `many.${n}`);
    const application = await story.start({
      providers: names.map((queue) => aHandler(queue, () => queue)),
    });

    const jobs = await Promise.all(names.map((queue) => application.queues.enqueue(queue, {})));

    await eventually(() => expect(application.seen('succeeded').length).toBe(200));
    expect(await application.queues.find(jobs[7]!.id)).toMatchObject({ output: 'many.7' });
  });

  it('finds by polling alone what other processes enqueue, with wake-ups off', async () => {
    const worker = await story.start({
      options: { wakeUp: 'off' },
      providers: [aHandler('polled', () => undefined)],
    });
    const producer = await story.start({ options: { worker: false, wakeUp: 'off' } });

    const { id } = await producer.queues.enqueue('polled', {});
    const later = await producer.queues.enqueue('polled', {}, { delayMs: 100 });

    for (const job of [id, later.id]) await untilJobIs('succeeded', worker, job);
  });

  it('is woken by another process long before its poll', async () => {
    const AN_HOUR = 3_600_000;
    const worker = await story.start({
      options: { pollIntervalMs: 60_000 },
      providers: [aHandler('woken', () => undefined)],
    });
    await eventually(() => worker.storage.signals.listening?.isListening === true);
    const producer = await story.start({ options: { worker: false } });

    const plain = await producer.queues.enqueue('woken', {});
    const delayed = await producer.queues.enqueue('woken', {}, { delayMs: 200 });
    const urgent = await producer.queues.enqueue('woken', {}, { priority: -100 });
    const inTransaction = await producer.dataSource.transaction((manager) =>
      producer.queues.enqueue('woken', {}, { manager }),
    );

    for (const { id } of [plain, delayed, urgent, inTransaction])
      await untilJobIs('succeeded', worker, id);
    await producer.queues.enqueue('woken', {}, { delayMs: AN_HOUR });
  });
});
