import { describe, expect, it } from '@jest/globals';
import type { Job } from '../../lib/job/job.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('handlers of a pattern', () => {
  const story = aStory();
  const named = (label: string) => (job: Job<never>) => `${label} took ${job.queue}`;

  it('take every queue of their prefix, also one that did not exist when the process started', async () => {
    const application = await story.start({ providers: [aHandler('fax.*', named('fax'))] });
    const producer = await story.start({ options: { worker: false } });

    const jobs = [
      await application.queues.enqueue('fax.here', {}),
      await producer.queues.enqueue('fax.elsewhere', {}),
      await producer.queues.enqueue('fax.later', {}, { delayMs: 50, name: 'any' }),
    ];

    for (const { id } of jobs) await untilJobIs('succeeded', application, id);
    await eventually(() => expect(application.seen('succeeded').length).toBe(3));
    expect(application.seen('succeeded').map(({ output }) => output).sort()).toEqual(
      ['fax took fax.elsewhere', 'fax took fax.here', 'fax took fax.later'],
    ); // prettier-ignore
  });

  it.each(['this process', 'another process'])(
    'find a new queue by the wake-up of %s, long before the poll',
    async (where) => {
      const queue = `woken.by-${where.replace(' ', '-')}`;
      const application = await story.start({
        options: { pollIntervalMs: 60_000 },
        providers: [aHandler('woken.*', named('woken'))],
      });
      const listening = `select from pg_stat_activity where datname = current_database() and query ilike 'listen%'`;
      await eventually(async () => expect((await story.database.query(listening)).length).toBe(1));
      const producer =
        where === 'this process' ? application : await story.start({ options: { worker: false } });

      const { id } = await producer.queues.enqueue(queue, {});

      await untilJobIs('succeeded', application, id);
    },
  );

  it('find a new queue without a wake-up, with the next round of the promoter', async () => {
    const application = await story.start({
      options: { wakeUp: 'off' },
      providers: [aHandler('silent.*', named('silent'))],
    });
    const producer = await story.start({ options: { worker: false, wakeUp: 'off' } });

    const { id } = await producer.queues.enqueue('silent.new', {});

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({
      output: 'silent took silent.new',
    });
  });

  it('give way to the exact queue, and to a longer prefix', async () => {
    const providers = ['ways.*', 'ways.by.*', 'ways.by.sea'].map((queue) =>
      aHandler(queue, named(queue)),
    );
    const application = await story.start({ providers });
    const { queues } = application;

    for (const queue of ['ways.on.foot', 'ways.by.rail', 'ways.by.sea'])
      await queues.enqueue(queue, {});

    await eventually(() => expect(application.seen('succeeded').length).toBe(3));
    expect(application.seen('succeeded').map(({ output }) => output).sort()).toEqual(
      ['ways.* took ways.on.foot', 'ways.by.* took ways.by.rail', 'ways.by.sea took ways.by.sea'],
    ); // prettier-ignore
  });

  it('work only the queues that their worker is told to', async () => {
    const application = await story.start({
      options: { worker: { queues: ['told.a', 'told.b.*'] } },
      providers: [aHandler('told.*', named('told'))],
    });
    const { queues } = application;
    const other = await queues.enqueue('told.c', {});
    const own = [await queues.enqueue('told.a', {}), await queues.enqueue('told.b.c', {})];

    for (const { id } of own) await untilJobIs('succeeded', application, id);

    expect(await queues.find(other.id)).toMatchObject({ state: 'ready' });
  });

  it('have the settings and the permits of each real queue', async () => {
    const gate = aGate();
    const application = await story.start({
      options: { queues: { 'each.narrow': { concurrency: 1, maxAttempts: 1 } } },
      providers: [
        aHandler('each.*', async (job) => {
          if (job.name === 'fails') throw new Error('no');
          await gate.passed;
        }),
      ],
    });
    const { queues } = application;
    const failing = await queues.enqueue('each.narrow', {}, { name: 'fails' });
    await untilJobIs('failed', application, failing.id);

    for (const queue of ['each.narrow', 'each.wide']) await queues.enqueueMany(queue, Array.from({ length: 5 }, () => ({ payload: {} }))); // prettier-ignore
    const started = () => application.seen('started').filter(({ name }) => name === '').map(({ queue }) => queue).sort(); // prettier-ignore
    const wide = Array.from({ length: 5 }, () => 'each.wide');
    await eventually(() => expect(started()).toEqual(['each.narrow', ...wide]));
    gate.open();
    await eventually(() => expect(application.seen('succeeded').length).toBe(10));
  });
});
