import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { OnJobEvent } from '../../lib/decorators/on-job-event.decorator.js';
import type { BatchContext } from '../../lib/job/batch-context.js';
import type { JobContext } from '../../lib/job/job-context.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import type { Job } from '../../lib/job/job.js';
import type { JobProgress, Progress } from '../../lib/job/progress.js';
import type { QueueEvents } from '../../lib/observability/events.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';

const AT_ONCE = { backoff: { type: 'constant', delayMs: 0 } } as const;
const MUTE = 'alter table simple_queue.job add constraint mute check (progress is null)';

describe('progress', () => {
  const story = aStory();

  async function start(
    process: (job: Job<never>, context: JobContext) => unknown,
    options: QueueHandlerOptions = {},
  ) {
    const handler = aHandler('steps', process, { ...AT_ONCE, ...options });
    const application = await story.start({ providers: [handler] });
    const progressOf = async (id: string) => (await application.queues.find(id))?.progress;
    const enqueue = async () => (await application.queues.enqueue('steps', {})).id;
    return { ...application, application, enqueue, progressOf };
  }

  it('is seen while the job runs, by find, by listeners, and by waiters in other processes', async () => {
    const heard: QueueEvents['progress'][] = [];
    class Listener {
      @OnJobEvent('progress')
      hear(event: QueueEvents['progress']) {
        heard.push(event);
      }
    }
    const gate = aGate();
    const handler = aHandler('steps', async (_, context) => {
      context.progress({ done: 1, of: 4, note: 'first' });
      await gate.passed;
      context.progress({ done: 3, of: 4 });
    });
    const { queues } = await story.start({ providers: [handler, Listener] });
    const elsewhere = await story.start({ options: { worker: false } });
    const told: JobProgress[] = [];
    const onProgress = (progress: JobProgress) => told.push(progress);

    const end = elsewhere.queues.enqueueAndWait('steps', {}, { onProgress });

    await eventually(() => told.length > 0 && heard.length > 0);
    const first = { done: 1, of: 4, share: 0.25, note: 'first', attempt: 1, at: expect.any(Date) };
    expect(told).toEqual([first]);
    expect(heard).toMatchObject([{ queue: 'steps', attempt: 1, progress: first }]);
    expect((await queues.find(heard[0]!.id))!.progress).toEqual(first);
    gate.open();
    await end;
    expect(told.at(-1)).toMatchObject({ done: 3, share: 0.75 });
  });

  it.each([
    ['replace', { delayMs: 3_600_000 }],
    ['debounce', { periodMs: 3_600_000 }],
  ] as const)('of contents that were replaced is gone: %s', async (onConflict, when) => {
    const { application, progressOf } = await start(
      (_, context) => {
        context.progress({ done: 9, of: 10 });
        throw new Error('not yet');
      },
      { backoff: { type: 'constant', delayMs: 3_600_000 } },
    );
    const { queues } = application;
    const { id } = await queues.enqueue('steps', { file: 1 }, { uniqueKey: onConflict });
    await untilJobIs('scheduled', application, id);
    expect(await progressOf(id)).toMatchObject({ done: 9, attempt: 1 });

    await queues.enqueue('steps', { file: 2 }, { uniqueKey: onConflict, onConflict, ...when });
    expect(await queues.find(id)).toMatchObject({ payload: { file: 2 }, attempt: 0 });
    expect(await progressOf(id)).toBeUndefined();
  });

  it('of a thousand calls leaves with one statement, and what was said last is kept with the end', async () => {
    const { enqueue, progressOf, application } = await start((_, context) => {
      for (let done = 0; done <= 1_000; done++) context.progress({ done, of: 1_000 });
    });
    const id = await enqueue();

    await untilJobIs('succeeded', application, id);

    expect(await progressOf(id)).toMatchObject({ done: 1_000, share: 1 });
    expect(application.seen('progress').length).toBe(1);
  });

  it('is written a second later where it was said too soon', async () => {
    const gate = aGate();
    const { enqueue, progressOf, application } = await start(async (_, context) => {
      context.progress(0.1);
      await eventually(() => application.seen('progress').length > 0);
      for (let step = 2; step < 9; step++) context.progress(step / 10);
      await gate.passed;
    });
    const id = await enqueue();

    await eventually(async () => (await progressOf(id))?.done === 0.8);

    await eventually(() => expect(application.seen('progress').length).toBe(2));
    gate.open();
  });

  it('stays until another attempt says something, in the dead letter as well, and goes with a new life', async () => {
    const { enqueue, progressOf, application, app } = await start(
      (job, context) => {
        if (job.attempt < 3) context.progress({ done: job.attempt, note: 'so far' });
        if (job.attempt < 3) throw new Error('no');
        throw new Error('no more');
      },
      { maxAttempts: 3 },
    );
    const id = await enqueue();

    await untilJobIs('failed', application, id);

    expect(await progressOf(id)).toMatchObject({ done: 2, note: 'so far', attempt: 2 });
    await application.worker.stop();
    await app.get(QueueAdmin, { strict: false }).retry(id);
    expect(await progressOf(id)).toBeUndefined();
  });

  it('of a transactional handler is seen before its commit, and what was said last goes with the completion', async () => {
    const gate = aGate();
    const { enqueue, progressOf, application } = await start(
      async (_, context) => {
        context.progress(0.5);
        await gate.passed;
        context.progress(0.9);
      },
      { transactional: true },
    );
    const id = await enqueue();

    await eventually(async () => (await progressOf(id))?.done === 0.5);
    gate.open();

    await untilJobIs('succeeded', application, id);
    expect(await progressOf(id)).toMatchObject({ done: 0.9 });
  });

  it('is kept with a completion in a transaction, and nothing that was said behind it', async () => {
    const { enqueue, progressOf, application, dataSource } = await start((_, context) =>
      dataSource.transaction(async (manager) => {
        context.progress(0.9);
        await context.complete('done', { manager });
        context.progress(0.1);
      }),
    );
    const id = await enqueue();

    await untilJobIs('succeeded', application, id);

    expect(await progressOf(id)).toMatchObject({ done: 0.9 });
  });

  it('waits for no transaction that holds the row of the job, and is tried again behind it', async () => {
    const { enqueue, progressOf, application, dataSource } = await start((_, context) =>
      dataSource
        .transaction(async (manager) => {
          await context.checkpoint(1, { manager });
          context.progress(0.5);
        })
        .then(() => eventually(() => application.seen('progress').length > 0)),
    );
    const id = await enqueue();

    await untilJobIs('succeeded', application, id);

    expect(await progressOf(id)).toMatchObject({ done: 0.5 });
  });

  it('of a run that has lost its job is not stored', async () => {
    const gate = aGate();
    let runs = 0;
    const { enqueue, progressOf, application } = await start(async (_, context) => {
      if (++runs > 1) return context.progress({ done: 2 });
      await gate.passed;
      context.progress({ done: 1 });
    });
    const id = await enqueue();
    await eventually(() => runs === 1);

    await loseLeases(story.database);
    await untilJobIs('succeeded', application, id);
    gate.open();

    await eventually(() => application.seen('leaseLost').length > 0);
    expect(await progressOf(id)).toMatchObject({ done: 2 });
  });

  it('that the database refuses fails no job', async () => {
    const { enqueue, progressOf, application } = await start(async (_, context) => {
      context.progress(0.5);
      await eventually(() =>
        application.seen('loopFailed').some(({ loop }) => loop === 'progress'),
      );
      context.progress(0.6);
    });
    await story.database.query(MUTE);
    const id = await enqueue();

    const job = await untilJobIs('succeeded', application, id);

    await story.database.query('alter table simple_queue.job drop constraint mute');
    expect(job.attempt).toBe(1);
    expect(await progressOf(id)).toBeUndefined();
    expect(application.seen('loopFailed')).toContainEqual(
      expect.objectContaining({ loop: 'progress' }),
    );
  });

  it('of a batch is said of each job by itself, and of no other', async () => {
    const refusals: unknown[] = [];
    class Batches {
      process(jobs: Job<never>[], context: BatchContext) {
        for (const [index, job] of jobs.entries()) context.progress(job, { done: index });
        try {
          context.progress({ id: 'other' } as Job, 1);
        } catch (error) {
          refusals.push(error);
        }
        return jobs.map((_, index) => (index === 0 ? new Error('no') : undefined));
      }
    }
    QueueHandler('lots', { batch: { size: 3 }, maxAttempts: 1 })(Batches);
    const application = await story.start({ providers: [Batches] });
    const jobs = await application.queues.enqueueMany('lots', [1, 2, 3].map((payload) => ({ payload }))); // prettier-ignore

    await untilJobIs('failed', application, jobs[0]!.id);

    for (const [index, { id }] of jobs.entries()) {
      await eventually(async () => (await application.queues.find(id))?.finishedAt !== undefined);
      expect((await application.queues.find(id))!.progress).toMatchObject({ done: index });
    }
    expect(refusals).toMatchObject([{ code: 'INVALID_OPTION' }]);
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'that a completion in %s cannot see gives the run back once, and fails no job',
    async (level) => {
      const { application, enqueue } = await start(
        (_, context): Promise<void> =>
          dataSource.transaction(level, async (manager) => {
            await manager.query('select 1');
            // What was said last is stored before the completion.
            context.progress(0.5);
            await context.complete('done', { manager });
          }),
        { maxAttempts: 1 },
      );
      const { dataSource } = application;
      const ids = [await enqueue(), await enqueue()];

      for (const id of ids)
        expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 'done' });
      const later = await enqueue();
      await untilJobIs('succeeded', application, later);

      const released = application.seen('released');
      expect(released.length).toBeGreaterThan(0);
      for (const each of released) expect(each).toMatchObject({ reason: 'leaseLost' });
      expect(new Set(released.map(({ id }) => id)).size).toBe(released.length);
      expect(released.map(({ id }) => id)).not.toContain(later);
      expect(application.seen('warning')).toMatchObject([{ code: 'PROGRESS_CONFLICT' }]);
    },
  );

  it.each(['complete', 'checkpoint'] as const)(
    'that hinders one job of a transaction (%s) fails none of the others',
    async (settle) => {
      class Batches {
        process(jobs: Job<never>[], context: BatchContext): Promise<void> {
          return dataSource.transaction('REPEATABLE READ', async (manager) => {
            await manager.query('select 1');
            for (const job of jobs) context.progress(job, 0.5);
            await stored(jobs);
            for (const job of jobs) await context[settle](job, 'done', { manager });
          });
        }
      }
      QueueHandler('lots', { batch: { size: 3 }, maxAttempts: 1 })(Batches);
      const application = await story.start({ providers: [Batches] });
      const { dataSource, queues } = application;
      const stored = async (jobs: Job[]) => {
        if (application.seen('warning').length > 0) return;
        for (const { id } of jobs)
          await eventually(async () => (await queues.find(id))?.progress !== undefined);
      };
      const jobs = await queues.enqueueMany('lots', [1, 2, 3].map((payload) => ({ payload }))); // prettier-ignore

      for (const { id } of jobs)
        expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 1 });

      expect(application.seen('released')).toHaveLength(jobs.length);
      expect(application.seen('warning')).toMatchObject([{ code: 'PROGRESS_CONFLICT' }]);
    },
  );

  it.each([
    ['throw', (work: Promise<unknown>) => work],
    ['return all the same', (work: Promise<unknown>) => work.catch(() => undefined)],
  ])(
    'that hinders one of the runs that share a transaction fails none of the others: they %s',
    async (_, leave) => {
      const runs: { job: Job; context: JobContext }[] = [];
      const ends: ((work: Promise<void>) => void)[] = [];
      const again = () => application.seen('warning').length > 0;
      const completed = () =>
        dataSource.transaction('REPEATABLE READ', async (manager) => {
          await manager.query('select 1');
          const [hindering] = runs.slice(2);
          hindering!.context.progress(0.5);
          await eventually(
            async () => (await queues.find(hindering!.job.id))?.progress !== undefined,
          );
          const told = runs.map(({ context }) => context.complete('done', { manager }));
          for (const end of await Promise.allSettled(told))
            if (end.status === 'rejected') throw end.reason;
        });
      const { application, queues } = await start(
        async (job, context) => {
          if (again()) return 'done';
          runs.push({ job, context });
          const shared = new Promise<void>((resolve) => ends.push(resolve));
          const work = ends.length === 4 ? completed() : undefined;
          if (work) for (const end of ends) end(work);
          await leave(shared);
          return 'done';
        },
        { maxAttempts: 1, concurrency: 4 },
      );
      const { dataSource } = application;
      const jobs = await queues.enqueueMany('steps', [1, 2, 3, 4].map((payload) => ({ payload }))); // prettier-ignore

      for (const { id } of jobs)
        expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 1 });
      expect(application.seen('released')).toHaveLength(jobs.length);
    },
  );

  it('that hinders one job of a transaction fails none where the batch says that all have succeeded', async () => {
    class Batches {
      async process(jobs: Job<never>[], context: BatchContext): Promise<string[]> {
        const work = dataSource.transaction('REPEATABLE READ', async (manager) => {
          await manager.query('select 1');
          if (application.seen('warning').length === 0) {
            context.progress(jobs[1]!, 0.5);
            await eventually(async () => (await queues.find(jobs[1]!.id))?.progress !== undefined);
          }
          for (const job of jobs) await context.complete(job, 'done', { manager });
        });
        await work.catch(() => undefined);
        return jobs.map(() => 'done');
      }
    }
    QueueHandler('lots', { batch: { size: 3 }, maxAttempts: 1 })(Batches);
    const options = { worker: { autoStart: false } };
    const application: TestApplication = await story.start({ providers: [Batches], options });
    const { dataSource, queues } = application;
    const jobs = await queues.enqueueMany('lots', [1, 2, 3].map((payload) => ({ payload }))); // prettier-ignore
    await application.worker.start();

    for (const { id } of jobs)
      expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 1 });
    // The last one was completed by what the batch says.
    expect(application.seen('released')).toHaveLength(2);
  });

  it('that is refused is so at once, and a waiter who throws harms nobody', async () => {
    const refusals: unknown[] = [];
    const { queues, application } = await start((_, context) => {
      for (const given of [NaN, -1, 2, { done: 3, of: 2 }, '0.4', { note: 'almost' }])
        try {
          context.progress(given as Progress);
        } catch (error) {
          refusals.push((error as { code: string }).code);
        }
      context.progress({ done: 1, of: 2, note: 'n'.repeat(1_000_000) });
    });
    const onProgress = ({ note }: JobProgress) => Promise.reject(new Error(`of ${note!.length}`));

    const end = await queues.enqueueAndWait('steps', {}, { onProgress });

    expect(end.state).toBe('succeeded');
    expect(refusals).toEqual(Array(6).fill('INVALID_OPTION'));
    expect(application.seen('warning')).toMatchObject([
      { code: 'LISTENER_FAILED', message: 'An onProgress of wait failed: of 200' },
    ]);
    await expect(queues.wait(end.id, { onProgress: 7 as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});
