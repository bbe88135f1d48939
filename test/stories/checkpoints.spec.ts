import { describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import type { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';

const CHILD = new URL('./child-worker.ts', import.meta.url);
const AT_ONCE = { backoff: { type: 'constant', delayMs: 0 } } as const;

describe('checkpoints', () => {
  const story = aStory();

  /** One application with one handler, and what its runs found. */
  async function start(
    queue: string,
    process: (job: Job<never>, context: JobContext, manager: EntityManager) => unknown,
  ) {
    const found: unknown[] = [];
    const handler = (job: Job<never>, context: JobContext) => {
      found.push(job.checkpoint);
      return process(job, context, application.dataSource.manager);
    };
    const application = await story.start({ providers: [aHandler(queue, handler, AT_ONCE)] });
    return { application, found };
  }

  it('are found by the next run, after a failure and after a reschedule', async () => {
    const { application, found } = await start('steps', async (job, context) => {
      const step = ((job.checkpoint as number | undefined) ?? 0) + 1;
      await context.checkpoint(step);
      if (step === 1) throw new Error('once');
      return step === 2 ? JobResult.rescheduleIn(0) : step;
    });
    const { id } = await application.queues.enqueue('steps', {});

    const job = await untilJobIs('succeeded', application, id);

    expect(found).toEqual([undefined, 1, 2]);
    expect(job).toMatchObject({ output: 3, checkpoint: 3, attempt: 2 });
  });

  // A completion that failed is no success, whoever catches its error.
  it.each<[string, (context: JobContext, manager: EntityManager) => Promise<void>, number]>([
    ['one by itself', (context) => context.checkpoint(2), 1],
    [
      'one in another transaction',
      (context, manager) =>
        manager.connection.transaction((other) => context.checkpoint(2, { manager: other })),
      1,
    ],
    [
      'a completion in another transaction',
      (context, manager) =>
        manager.connection.transaction((other) => context.complete(2, { manager: other })),
      2,
    ],
  ])('in a transaction that is open refuse %s at once', async (_, beside, attempt) => {
    const refusals: unknown[] = [];
    const { application } = await start('beside', (job, context, { connection }) =>
      connection.transaction(async (manager) => {
        await context.checkpoint(1, { manager });
        await context.checkpoint(1, { manager });
        if (job.attempt > 1) return;
        await beside(context, manager).catch((error: unknown) => refusals.push(error));
      }),
    );
    const { id } = await application.queues.enqueue('beside', {});

    const job = await untilJobIs('succeeded', application, id);

    expect(refusals).toMatchObject([
      { code: 'INVALID_OPTION', message: expect.stringContaining('is still open') },
    ]);
    expect(job).toMatchObject({ checkpoint: 1, attempt });
  });

  it('in a transaction that has ended are followed by others', async () => {
    const { application } = await start('after', async (_job, context, { connection }) => {
      await connection.transaction((manager) => context.checkpoint(1, { manager }));
      await context.checkpoint(2);
      await connection
        .transaction(async (manager) => {
          await context.checkpoint(3, { manager });
          throw new Error('rolled back');
        })
        .catch(() => undefined);
      await context.checkpoint(4);
    });
    const { id } = await application.queues.enqueue('after', {});
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ checkpoint: 4 });
  });

  it('are found by the next run when the process was killed', async () => {
    const application = await story.start({ options: { worker: false } });
    const { id } = await application.queues.enqueue('checkpoints', {});
    const env = { DATABASE_URL: story.database.url, CHILD_HANDLERS: 'checkpoints' };

    expect(await new Child(CHILD, env).exited()).toBe('SIGKILL');
    const second = await new Child(CHILD, env).ready();
    const job = await untilJobIs('succeeded', application, id);
    await second.kill();

    expect(job.output).toEqual({ found: { page: 1 } });
  });

  it('belong to the transaction that they were given', async () => {
    const { application, found } = await start('joined', async (job, context, manager) => {
      const work = manager.transaction(async (inner) => {
        await context.checkpoint(`attempt ${job.attempt}`, { manager: inner });
        if (job.attempt === 1) throw new Error('undo');
      });
      await work;
      if (job.attempt === 2) throw new Error('after the commit');
    });
    const { id } = await application.queues.enqueue('joined', {});

    await untilJobIs('succeeded', application, id);

    expect(found).toEqual([undefined, undefined, 'attempt 2']);
  });

  it('grant attempts only when they are told to: on the last attempt a checkpoint alone resurrects nothing', async () => {
    const { application, found } = await start('last', async (_job, context) => {
      await context.checkpoint('far');
      throw new Error('no');
    });
    const { id } = await application.queues.enqueue('last', {}, { maxAttempts: 1 });

    expect(await untilJobIs('failed', application, id)).toMatchObject({
      attempt: 1,
      checkpoint: 'far',
    });
    expect(found.length).toBe(1);
  });

  it('never grant attempts past the cap, however often they are asked', async () => {
    const { application, found } = await start('endless', async (_job, context) => {
      await context.checkpoint('on and on', { extraAttempts: 60 });
      throw new Error('no');
    });
    const { id } = await application.queues.enqueue('endless', {}, { maxAttempts: 2 });

    expect(await untilJobIs('failed', application, id)).toMatchObject({
      attempt: 102,
      extraAttempts: 100,
    });
    expect(found.length).toBe(102);
  });

  it.each([
    ['rolls back grants none', 'rolled back', 1],
    ['commits grants them', 'committed', 2],
    ['was rolled back to a savepoint grants none', 'savepoint', 1],
  ])('in a transaction that %s', async (_, how, attempts) => {
    const queue = `granted-${attempts}-${how.replace(' ', '-')}`;
    const { application, found } = await start(queue, async (job, context, manager) => {
      if (job.attempt > 1) throw new Error('no more');
      await manager.transaction(async (outer) => {
        const inner = outer.transaction(async (nested) => {
          await context.checkpoint('there', { manager: nested, extraAttempts: 1 });
          if (how === 'savepoint') throw new Error('undo');
        });
        await inner.catch(() => undefined);
        if (how === 'rolled back') throw new Error('undo');
      });
      throw new Error('no');
    });
    const { id } = await application.queues.enqueue(queue, {}, { maxAttempts: 1 });

    expect(await untilJobIs('failed', application, id)).toMatchObject({ attempt: attempts });
    expect(found.length).toBe(attempts);
  });

  it('with options that are none are refused, as is a completion: neither leaves the transaction that was meant', async () => {
    const refused: unknown[] = [];
    const { application } = await start('slips', async (_job, context) => {
      for (const options of [{ manager: null }, { manager: 0 }, { manger: {} }, null] as never[]) {
        await context.checkpoint('lost', options).catch(({ code }) => refused.push(code));
        await context.complete('lost', options).catch(({ code }) => refused.push(code));
        await context.enqueue('slips', {}, options).catch(({ code }) => refused.push(code));
      }
    });
    const { id } = await application.queues.enqueue('slips', {});
    expect(await untilJobIs('succeeded', application, id)).not.toHaveProperty('checkpoint');
    expect(refused).toEqual(Array.from({ length: 12 }, () => 'INVALID_OPTION'));
  });

  it('of who lost the job are refused, and abort its signal', async () => {
    const gate = aGate();
    const refused: unknown[] = [];
    const { application, found } = await start('zombie', async (job, context) => {
      if (found.length > 1) return JobResult.rescheduleIn(3_600_000);
      await gate.passed;
      const late = { manager: undefined, extraAttempts: 5 };
      await context
        .checkpoint('late', late)
        .catch((error: { code: string }) => refused.push(error.code));
      refused.push((context.signal.reason as { code: string }).code);
      throw new Error(`late, ${job.id}`);
    });
    const { id } = await application.queues.enqueue('zombie', {}, { maxAttempts: 1 });
    await eventually(() => expect(found.length).toBe(1));
    await loseLeases(story.database);
    await untilJobIs('scheduled', application, id);

    gate.open();

    await eventually(() => expect(refused).toEqual(['LEASE_LOST', 'LEASE_LOST']));
    await eventually(() => expect(application.seen('leaseLost')).toMatchObject([{ id }]));
    const job = await application.queues.find(id);
    expect(job).toMatchObject({ state: 'scheduled', attempt: 0 });
    expect(job).not.toHaveProperty('checkpoint');
  });

  it('after the completion of the run are refused at once, not held up by its open transaction', async () => {
    const { application } = await start('completed', (_job, context, manager) =>
      manager.transaction(async (inner) => {
        await context.complete('done', { manager: inner });
        await expect(context.checkpoint('late')).rejects.toMatchObject({ code: 'LEASE_LOST' });
      }),
    );
    const { id } = await application.queues.enqueue('completed', {});

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 'done' });
  });

  it.each([
    ['CHECKPOINT_TOO_LARGE', 'x'.repeat(70_000), {}],
    ['INVALID_CHECKPOINT', { at: new Map() }, {}],
    ['INVALID_OPTION', 'fine', { extraAttempts: 1_000 }],
  ])('answer %s to a bad call, and keep what was there', async (code, state, options) => {
    const queue = `bad-${code}`;
    const { application, found } = await start(queue, async (job, context) => {
      if (job.attempt === 2) return 'done';
      await context.checkpoint('good');
      await context.checkpoint(state, options);
    });
    const { id } = await application.queues.enqueue(queue, {});

    await untilJobIs('succeeded', application, id);

    expect(found).toEqual([undefined, 'good']);
    expect(application.seen('retried')).toMatchObject([{ error: { code } }]);
  });
});
