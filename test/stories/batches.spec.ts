import type { Provider } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { BatchContext } from '../../lib/job/batch-context.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { Permit } from '../../lib/job/permit.js';
import { UnprocessableError } from '../../lib/job/queue.errors.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';

const AN_HOUR = 3_600_000;
type Process = (jobs: Job<never>[], context: BatchContext) => unknown;

function aBatchHandler(
  queue: string,
  process: Process,
  options: QueueHandlerOptions & { acquire?: (job: Job) => unknown } = {},
): Provider {
  const { acquire, ...rest } = options;
  class TestBatchHandler {
    process(jobs: Job<never>[], context: BatchContext): unknown {
      return process(jobs, context);
    }
  }
  if (acquire) Object.assign(TestBatchHandler.prototype, { acquire });
  const merged: QueueHandlerOptions = {
    batch: { size: 10, lingerMs: 60_000 },
    backoff: { type: 'constant', delayMs: 0 },
    ...rest,
  };
  QueueHandler(queue, merged)(TestBatchHandler);
  return TestBatchHandler;
}

const items = (count: number, payload?: (n: number) => unknown) =>
  Array.from({ length: count }, (_, n) => ({ payload: payload ? payload(n) : { n } }));

describe('batches', () => {
  const story = aStory();

  it('bring a handler several jobs in one call, and settle each by its own result', async () => {
    const sizes: number[] = [];
    const application = await story.start({
      providers: [
        aBatchHandler('mixed', (jobs) => {
          sizes.push(jobs.length);
          if (jobs.length === 1) return;
          return [
            'output',
            JobResult.success({ n: 1 }),
            undefined,
            JobResult.fail('again'),
            new Error('thrown'),
            new UnprocessableError('bad'),
            JobResult.rescheduleIn(AN_HOUR),
            JobResult.cancel('no'),
            JobResult.critical('broken'),
            null,
          ];
        }, { maxAttempts: 1 }), // prettier-ignore
      ],
    });

    const jobs = await application.queues.enqueueMany('mixed', items(10));

    const states = ['succeeded', 'succeeded', 'succeeded', 'failed', 'failed', 'unprocessable', 'scheduled', 'cancelled', 'critical', 'succeeded'] as const; // prettier-ignore
    for (const [index, state] of states.entries())
      await untilJobIs(state, application, jobs[index]!.id);
    expect(sizes).toEqual([10]);
    expect(await application.queues.find(jobs[0]!.id)).toMatchObject({ output: 'output' });
    expect(await application.queues.find(jobs[4]!.id)).toMatchObject({
      lastError: { message: 'thrown' },
    });
  });

  it('take results by id, one result for all, or none', async () => {
    const answers: ((jobs: Job<never>[]) => unknown)[] = [
      (jobs) => new Map(jobs.toReversed().map((job) => [job.id, job.payload])),
      () => JobResult.success('all'),
      () => undefined,
    ];
    const application = await story.start({
      providers: answers.map((answer, index) =>
        aBatchHandler(`answers.${index}`, answer, { batch: { size: 3, lingerMs: 60_000 } }),
      ),
    });

    const outputs = [];
    for (const index of answers.keys()) {
      const jobs = await application.queues.enqueueMany(
        `answers.${index}`,
        items(3, (n) => n),
      );
      for (const { id } of jobs)
        outputs.push((await untilJobIs('succeeded', application, id)).output);
    }

    expect(outputs).toEqual([0, 1, 2, 'all', 'all', 'all', undefined, undefined, undefined]);
  });

  it.each([
    ['too few results', () => ['one'], /got 2 jobs and returned 1 results/],
    ['too many results', () => [1, 2, 3], /got 2 jobs and returned 3 results/],
    ['an object', () => ({ 1: 'no' }), /returned a value of type object/],
  ])('fail all their jobs, with a clear message, for %s', async (what, answer, message) => {
    const queue = `mismatch.${what.replaceAll(' ', '-')}`;
    const options = { maxAttempts: 1, batch: { size: 2, lingerMs: 60_000 } };
    const application = await story.start({ providers: [aBatchHandler(queue, answer, options)] });

    const jobs = await application.queues.enqueueMany(queue, items(2));

    for (const { id } of jobs) {
      const { lastError } = await untilJobIs('failed', application, id);
      expect(lastError).toMatchObject({
        code: 'BATCH_MISMATCH',
        message: expect.stringMatching(message),
      });
    }
  });

  it('fail the one job that a Map forgot', async () => {
    const options = { maxAttempts: 1, batch: { size: 2, lingerMs: 60_000 } };
    const application = await story.start({
      providers: [aBatchHandler('forgotten', (jobs) => new Map([[jobs[0]!.id, 'kept']]), options)],
    });

    const jobs = await application.queues.enqueueMany('forgotten', items(2));

    await untilJobIs('succeeded', application, jobs[0]!.id);
    expect(await untilJobIs('failed', application, jobs[1]!.id)).toMatchObject({
      lastError: { code: 'BATCH_MISMATCH' },
    });
  });

  it('that throw fail for each job, which is retried by its own attempts', async () => {
    const sizes: number[] = [];
    const application = await story.start({
      providers: [
        aBatchHandler(
          'throws',
          (jobs) => {
            sizes.push(jobs.length);
            throw new Error('all');
          },
          { batch: { size: 4, lingerMs: 50 } },
        ),
      ],
    });

    const jobs = await application.queues.enqueueMany('throws', [
      ...items(3),
      { payload: {}, maxAttempts: 1 },
    ]);

    for (const { id } of jobs)
      expect(await untilJobIs('failed', application, id)).toMatchObject({
        lastError: { message: 'all' },
      });
    expect(await application.queues.find(jobs[3]!.id)).toMatchObject({ attempt: 1 });
    expect(await application.queues.find(jobs[0]!.id)).toMatchObject({ attempt: 3 });
    expect(sizes[0]).toBe(4);
  });

  it('wait for more jobs, and no longer than they are told to', async () => {
    const calls: [queue: string, size: number][] = [];
    const noting = (queue: string, lingerMs: number) =>
      aBatchHandler(queue, (jobs) => void calls.push([queue, jobs.length]), {
        batch: { size: 3, lingerMs },
      });
    const application = await story.start({
      providers: [noting('patient', 60_000), noting('impatient', 200)],
    });

    const jobs = [];
    for (const queue of ['patient', 'patient', 'patient', 'impatient'])
      jobs.push(await application.queues.enqueue(queue, {}));

    for (const { id } of jobs) await untilJobIs('succeeded', application, id);
    expect(calls.toSorted()).toEqual([['impatient', 1], ['patient', 3]]); // prettier-ignore
  });

  it('take one permit each: the limit counts calls', async () => {
    const gate = aGate();
    const calls: number[] = [];
    const application = await story.start({
      options: { concurrency: 2 },
      providers: [
        aBatchHandler('permits', async (jobs) => {
          calls.push(jobs.length);
          await gate.passed;
        }),
      ],
    });

    await application.queues.enqueueMany('permits', items(30));
    await eventually(() => expect(calls).toEqual([10, 10]));
    gate.open();

    await eventually(() => expect(application.seen('succeeded').length).toBe(30));
    expect(calls).toEqual([10, 10, 10]);
  });

  it('have a time limit a job: one that is over fails alone, and the call goes on for the others', async () => {
    const gate = aGate();
    const aborted: boolean[] = [];
    const application = await story.start({
      providers: [
        aBatchHandler('timeouts', async (jobs, context) => {
          if (jobs.length === 1) return;
          await gate.passed;
          aborted.push(context.signal.aborted, ...jobs.map((job) => context.signalOf(job).aborted));
        }, { batch: { size: 2, lingerMs: 60_000 }, maxAttempts: 1 }), // prettier-ignore
      ],
    });
    const jobs = await application.queues.enqueueMany('timeouts', [
      { payload: 0, timeoutMs: 50 },
      { payload: 1 },
    ]);

    expect(await untilJobIs('failed', application, jobs[0]!.id)).toMatchObject({
      lastError: { code: 'JOB_TIMEOUT' },
    });
    gate.open();

    await untilJobIs('succeeded', application, jobs[1]!.id);
    expect(aborted).toEqual([false, true, false]);
  });

  it('end the one job that is cancelled, and abort the call only when all of its jobs are', async () => {
    const gate = aGate();
    const signals: AbortSignal[] = [];
    const application = await story.start({
      providers: [
        aBatchHandler('cancels', async (jobs, context) => {
          signals.push(context.signal, ...jobs.map((job) => context.signalOf(job)));
          await gate.passed;
          return jobs.map((job) => (context.signalOf(job).aborted ? new Error('gave up') : 'done'));
        }, { batch: { size: 2, lingerMs: 60_000 } }), // prettier-ignore
      ],
    });
    const jobs = await application.queues.enqueueMany('cancels', items(2));
    await eventually(() => expect(signals.length).toBe(3));

    await application.queues.cancel({ id: jobs[0]!.id });
    await eventually(() =>
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, false]),
    );
    await application.queues.cancel({ id: jobs[1]!.id });
    await eventually(() => expect(signals[0]!.reason).toMatchObject({ code: 'JOB_CANCELLED' }));
    gate.open();

    for (const { id } of jobs) await untilJobIs('cancelled', application, id);
  });

  it('forget a job that is cancelled while it lingers', async () => {
    const application = await story.start({
      providers: [aBatchHandler('waiting', () => undefined)],
    });
    const { id } = await application.queues.enqueue('waiting', {});
    await untilJobIs('running', application, id);

    await application.queues.cancel({ id });

    await untilJobIs('cancelled', application, id);
    expect(application.seen('started')).toEqual([]);
  });

  it('give back at shutdown what lingers, with no attempt spent', async () => {
    const application = await story.start({
      providers: [aBatchHandler('stopped', () => undefined)],
    });
    const jobs = await application.queues.enqueueMany('stopped', items(3));
    for (const { id } of jobs) await untilJobIs('running', application, id);

    await application.worker.stop();

    for (const { id } of jobs)
      expect(await application.queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
    expect(application.seen('started')).toEqual([]);
  });

  it('release at the deadline of a shutdown every job that is still in a call', async () => {
    const reasons: unknown[] = [];
    const application = await story.start({
      options: { shutdownGraceMs: 50 },
      providers: [
        aBatchHandler('deadline', (jobs, { signal }) =>
          new Promise((_, reject) => {
            reasons.push(jobs.length);
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }), { batch: { size: 3, lingerMs: 60_000 } }), // prettier-ignore
      ],
    });
    const jobs = await application.queues.enqueueMany('deadline', items(3));
    await eventually(() => expect(reasons).toEqual([3]));

    await application.worker.stop();

    for (const { id } of jobs)
      expect(await application.queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
  });

  it('change nothing for jobs that were lost meanwhile', async () => {
    const gate = aGate();
    let calls = 0;
    const application = await story.start({
      providers: [
        aBatchHandler('lost', async () => {
          if (++calls > 1) return JobResult.success('second');
          await gate.passed;
          return JobResult.success('late');
        }, { batch: { size: 2, lingerMs: 100 } }), // prettier-ignore
      ],
    });
    const jobs = await application.queues.enqueueMany('lost', items(2));
    await eventually(() => expect(calls).toBe(1));
    await loseLeases(story.database);
    for (const { id } of jobs)
      expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 'second' });

    gate.open();

    await eventually(() => expect(application.seen('leaseLost').length).toBe(2));
  });

  it('complete jobs in a transaction of the handler, each by itself', async () => {
    await story.database.query('create table batch_effect (job uuid)');
    const application = await story.start({
      providers: [
        aBatchHandler('completes', async (jobs, context) => {
          await application.dataSource.transaction(async (manager) => {
            for (const job of jobs.slice(0, 2)) {
              await manager.query('insert into batch_effect values ($1)', [job.id]);
              await context.complete(job, 'in the transaction', { manager });
            }
          });
          return jobs.map((_, index) => (index < 2 ? undefined : JobResult.fail('not this one')));
        }, { batch: { size: 3, lingerMs: 60_000 }, maxAttempts: 1 }), // prettier-ignore
      ],
    });

    const jobs = await application.queues.enqueueMany('completes', items(3));

    for (const { id } of jobs.slice(0, 2))
      expect(await untilJobIs('succeeded', application, id)).toMatchObject({
        output: 'in the transaction',
      });
    await untilJobIs('failed', application, jobs[2]!.id);
    expect(await story.database.query('select job from batch_effect order by job')).toEqual(
      jobs.slice(0, 2).map(({ id }) => ({ job: id })),
    );
  });

  it('keep a checkpoint a job', async () => {
    const application = await story.start({
      providers: [
        aBatchHandler('keeps', async (jobs, context) => {
          if (jobs.every((job) => job.checkpoint !== undefined)) return jobs.map((job) => job.checkpoint);
          for (const [index, job] of jobs.entries()) await context.checkpoint(job, index);
          await expect(context.checkpoint({ id: 'elsewhere' } as never, 1)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
          throw new Error('once');
        }, { batch: { size: 2, lingerMs: 100 } }), // prettier-ignore
      ],
    });

    const jobs = await application.queues.enqueueMany('keeps', items(2));

    for (const [output, { id }] of jobs.entries())
      expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output });
  });

  it('leave out the jobs whose own permit was declined, and give the others back', async () => {
    let released = 0;
    const acquire = (job: Job<unknown>) =>
      (job.payload as { n: number }).n === 1
        ? JobResult.retryIn(AN_HOUR)
        : new Permit(() => released++);
    const application = await story.start({
      providers: [
        aBatchHandler('acquires', (jobs) => jobs.map(() => jobs.length), {
          batch: { size: 3, lingerMs: 60_000 },
          acquire,
        }),
      ],
    });

    const jobs = await application.queues.enqueueMany('acquires', items(3));

    for (const index of [0, 2])
      expect(await untilJobIs('succeeded', application, jobs[index]!.id)).toMatchObject({
        output: 2,
      });
    expect(await untilJobIs('scheduled', application, jobs[1]!.id)).toMatchObject({ attempt: 0 });
    expect(released).toBe(2);
  });
});
