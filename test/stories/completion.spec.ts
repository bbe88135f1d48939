import { beforeAll, describe, expect, it } from '@jest/globals';
import { JobResult } from '../../lib/job/job-result.js';
import { aHandler, QUICK } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';
import { Rival } from '../support/storage.js';
import { scaled } from '../support/patience.mjs';

const CHILD = new URL('./child-worker.ts', import.meta.url);

describe('I4 exactly-once effect: the effect and the completion are one transaction', () => {
  const story = aStory();

  beforeAll(() => story.database.query('create table effect (job uuid, at_attempt int)'));

  const effectsOf = async (id: string): Promise<number> =>
    (await story.database.query('select from effect where job = $1', [id])).length;

  const insert = (
    job: { id: string; attempt: number },
    manager: { query(sql: string, values: unknown[]): Promise<unknown> },
  ) => manager.query('insert into effect values ($1, $2)', [job.id, job.attempt]);

  it('with context.complete in a transaction of the handler', async () => {
    const application = await story.start({
      providers: [
        aHandler('completes', (job, context) =>
          application.dataSource.transaction(async (manager) => {
            await insert(job, manager);
            await context.complete({ done: true }, { manager });
          }),
        ),
      ],
    });
    const { id } = await application.queues.enqueue('completes', {});

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({
      output: { done: true },
      attempt: 1,
    });
    expect(await effectsOf(id)).toBe(1);
    await eventually(() =>
      expect(application.seen('succeeded')).toMatchObject([{ id, output: undefined }]),
    );
  });

  it('with a transactional handler, whatever it answers', async () => {
    const answers = [
      () => 'output',
      () => JobResult.fail('no'),
      () => Promise.reject(new Error('no')),
      () => JobResult.cancel(),
    ];
    const application = await story.start({
      providers: [
        aHandler(
          'transactional',
          async (job, { manager }) => {
            await insert(job, manager);
            return answers[job.payload as number]!();
          },
          { transactional: true, maxAttempts: 1 },
        ),
      ],
    });

    const jobs = await application.queues.enqueueMany('transactional', answers.map((_, payload) => ({ payload }))); // prettier-ignore

    for (const [index, state] of (
      ['succeeded', 'failed', 'failed', 'cancelled'] as const
    ).entries())
      await untilJobIs(state, application, jobs[index]!.id);
    expect(await Promise.all(jobs.map(({ id }) => effectsOf(id)))).toEqual([1, 0, 0, 0]);
  });

  it('keeps no locks of a transactional handler that hangs beyond its timeout, nor what it writes later, and rejects nothing that is in flight', async () => {
    const [hangs, seen] = [aGate(), [] as unknown[]];
    await story.database.query('create table account as select 1 as id, 0 as sum');
    const rival = await Rival.connect(story.database);
    await rival.query('select pg_advisory_lock(7)');
    const application = await story.start({
      providers: [
        aHandler(
          'books',
          async ({ payload }, { manager }) => {
            const book = () => manager.query('update account set sum = sum + 1 where id = 1');
            await book();
            if (payload !== 'hangs') return;
            const flying = manager.query('select pg_advisory_xact_lock(7)').then(() => 'flown');
            await hangs.passed;
            seen.push(await flying);
            seen.push(await book().catch((error: unknown) => error));
          },
          { transactional: true, maxAttempts: 1 },
        ),
      ],
    });
    const hanging = await application.queues.enqueue('books', 'hangs', { timeoutMs: 500 });
    await untilJobIs('failed', application, hanging.id);
    await rival.query('select pg_advisory_unlock(7)');
    const next = await application.queues.enqueue('books', 'goes on');

    await untilJobIs('succeeded', application, next.id);
    hangs.open();
    await eventually(() => expect(seen).toEqual(['flown', expect.any(Error)]));
    await rival.close();
    expect(await story.database.query('select sum from account')).toEqual([{ sum: 1 }]);
  });

  it('begins no transactional run whose time was over before its connection came', async () => {
    const seen: unknown[] = [];
    const application = await story.start({
      typeorm: { poolSize: 2 },
      providers: [
        aHandler('late', ({ payload }) => void seen.push(payload), {
          transactional: true,
          timeoutMs: 500,
          maxAttempts: 1,
        }),
      ],
    });
    const taken = [1, 2].map(() => application.dataSource.createQueryRunner());
    for (const runner of taken) await runner.connect();
    await story.database.query(`select simple_queue.enqueue('late', '"late"')`);
    const ended = `select last_error ->> 'code' as code from simple_queue.jobs where queue = 'late' and state = 'failed'`;
    await eventually(async () =>
      expect(await story.database.query(ended)).toEqual([{ code: 'JOB_TIMEOUT' }]),
    );
    for (const runner of taken) await runner.release();

    // Behind the run that came too late, or in a transaction beside it.
    await application.dataSource.query('select 1');
    await application.close();
    expect(seen).toEqual([]);
  });

  it('keeps nothing of what a transactional handler still asks for when a sibling has failed', async () => {
    const late: Promise<unknown>[] = [];
    const application = await story.start({
      providers: [
        aHandler('follows', () => undefined),
        aHandler(
          'sibling',
          (job, context) => {
            const later = (call: () => Promise<unknown>) => {
              const made = new Promise(setImmediate).then(call);
              late.push(made.catch((error: unknown) => error));
              return made;
            };
            return Promise.all([
              Promise.reject(new Error('undone')),
              later(() => context.enqueue('follows', job.payload)),
              later(() => context.checkpoint(job.payload, { manager: context.manager })),
              later(() =>
                application.queues.enqueueMany('follows', [{ payload: 1 }], {
                  manager: context.manager,
                }),
              ),
              later(() => context.complete('too late')),
            ]);
          },
          { transactional: true, maxAttempts: 1 },
        ),
      ],
    });
    const jobs = await application.queues.enqueueMany('sibling', Array.from({ length: 20 }, (_, payload) => ({ payload }))); // prettier-ignore

    for (const { id } of jobs)
      expect((await untilJobIs('failed', application, id)).checkpoint).toBeUndefined();
    const codes = (await Promise.all(late)).map(
      (error) => (error as { code?: string } | undefined)?.code,
    );
    expect(codes).toHaveLength(80);
    expect(codes.filter((code) => code !== undefined && code !== 'MANAGER_INACTIVE')).toEqual([]);
    expect(
      await story.database.query(`select from simple_queue.jobs where queue = 'follows'`),
    ).toEqual([]);
  });

  it('retries a handler whose transaction rolled back although it returned', async () => {
    const application = await story.start({
      providers: [
        aHandler(
          'rolls-back',
          async (job, context) => {
            const work = application.dataSource.transaction(async (manager) => {
              await insert(job, manager);
              await context.complete('done', { manager });
              if (job.attempt === 1) throw new Error('undo');
            });
            await work.catch(() => undefined);
          },
          { backoff: { type: 'constant', delayMs: 0 } },
        ),
      ],
    });
    const { id } = await application.queues.enqueue('rolls-back', {});

    const job = await untilJobIs('succeeded', application, id);

    expect(job).toMatchObject({ attempt: 2, history: [{ attempt: 1, outcome: 'retried' }] });
    expect(application.seen('retried')).toMatchObject([
      { error: { code: 'COMPLETION_ROLLED_BACK' } },
    ]);
    expect(await effectsOf(id)).toBe(1);
  });

  it('believes the database, not the commit, when only a savepoint of it was rolled back', async () => {
    const application = await story.start({
      providers: [
        aHandler(
          'savepoint',
          async (job, context) => {
            await application.dataSource.transaction(async (manager) => {
              const inner = manager.transaction(async (nested) => {
                await context.complete('done', { manager: nested });
                if (job.attempt === 1) throw new Error('undo');
              });
              await inner.catch(() => undefined);
            });
          },
          { backoff: { type: 'constant', delayMs: 0 } },
        ),
      ],
    });
    const { id } = await application.queues.enqueue('savepoint', {});

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 2 });
  });

  it('counts a completion that committed, though the handler throws afterwards or runs into its timeout', async () => {
    const gate = aGate();
    const application = await story.start({
      providers: [
        aHandler('afterwards', async (job, context) => {
          await application.dataSource.transaction((manager) =>
            context.complete('kept', { manager }),
          );
          if (job.payload === 'slow') await gate.passed;
          throw new Error('too late');
        }),
      ],
    });
    const jobs = [
      await application.queues.enqueue('afterwards', 'throws'),
      await application.queues.enqueue('afterwards', 'slow', { timeoutMs: scaled(1_500) }),
    ];

    for (const { id } of jobs) await untilJobIs('succeeded', application, id);

    await eventually(() => expect(application.seen('succeeded').length).toBe(2));
    gate.open();
    expect(application.seen('failed').concat(application.seen('leaseLost') as never)).toEqual([]);
  });

  it('refuses a completion that belongs to no transaction', async () => {
    let refused: unknown;
    const handler = aHandler('outside', async (_, context) => {
      refused = await context.complete(1).catch((error: unknown) => error);
      return 2;
    });
    const application = await story.start({ providers: [handler] });
    const { id } = await application.queues.enqueue('outside', {});
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 2 });
    expect(refused).toMatchObject({
      code: 'MANAGER_INACTIVE',
      message: expect.stringContaining('"outside"'),
    });
  });

  it('joins the transaction of a transactional handler by itself', async () => {
    const handler = aHandler('itself', (_, context) => context.complete('given'), {
      transactional: true,
    });
    const application = await story.start({ providers: [handler] });
    const { id } = await application.queues.enqueue('itself', {});
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 'given' });
  });

  it('refuses the second completion of a run', async () => {
    const errors: unknown[] = [];
    const application = await story.start({
      providers: [
        aHandler('twice', async (_job, context) => {
          const complete = () =>
            application.dataSource.transaction((manager) => context.complete('once', { manager }));
          await complete();
          await complete().catch((error: unknown) => errors.push(error));
        }),
      ],
    });
    const { id } = await application.queues.enqueue('twice', {});

    await untilJobIs('succeeded', application, id);
    await eventually(() => expect(errors).toMatchObject([{ code: 'LEASE_LOST' }]));
  });

  it('lets the reaper pass by a job that is being completed right now', async () => {
    const gate = aGate();
    const completed = aGate();
    const application = await story.start({
      providers: [
        aHandler('completing', (job, context) =>
          application.dataSource.transaction(async (manager) => {
            await insert(job, manager);
            await context.complete('first', { manager });
            completed.open();
            await gate.passed;
          }),
        ),
      ],
    });
    const { id } = await application.queues.enqueue('completing', {});
    await completed.passed;
    await loseLeases(story.database);
    await application.storage.leases.reap(
      {
        maxStalls: 3,
        deadLetter: { '': 1_000 },
        archive: { '': 1_000 },
        onDeadJob: { '': 'block' },
      },
      '00000000-0000-0000-0000-000000000000',
    );

    gate.open();

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({
      output: 'first',
      stalls: 0,
    });
    expect(await effectsOf(id)).toBe(1);
    await eventually(async () =>
      expect(await story.database.query('select * from simple_queue.claim')).toEqual([]),
    );
  });

  it.each(['before', 'after'] as const)(
    'takes effect once when the process dies right %s the commit',
    async (when) => {
      await story.database.query('create table if not exists ledger (job uuid, pid int)');
      const application = await story.start({ options: { worker: false } });
      const { id } = await application.queues.enqueue('dies', when);
      const options = JSON.stringify(QUICK);
      const env = { DATABASE_URL: story.database.url, CHILD_HANDLERS: 'dies', CHILD_OPTIONS: options }; // prettier-ignore

      const first = new Child(CHILD, env);
      expect(await first.exited()).toBe('SIGKILL');
      const second = await new Child(CHILD, env).ready();
      const job = await untilJobIs('succeeded', application, id);
      second.signal('SIGTERM');
      await second.exited();

      expect(job.output === first.pid).toBe(when === 'after');
      expect((await story.database.query('select from ledger where job = $1', [id])).length).toBe(
        1,
      );
    },
  );
});
