import type { Type } from '@nestjs/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { BatchContext } from '../../lib/job/batch-context.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

type Complete = (manager: EntityManager) => Promise<void>;
type Around = (manager: EntityManager, complete: Complete) => Promise<unknown>;

/** PostgreSQL undoes the completion, and the COMMIT that TypeORM sends afterwards resolves. */
const UNDONE: Record<string, Around> = {
  'an error that the handler catches': async (manager, complete) => {
    await complete(manager);
    await manager.query('select 1 / 0').catch(() => undefined);
  },
  'a rollback by hand': async (manager, complete) => {
    await complete(manager);
    await manager.query('rollback');
  },
  'a rollback by hand, and another transaction': async (manager, complete) => {
    await complete(manager);
    await manager.query('rollback');
    await manager.query('begin');
  },
  'a rollback to a savepoint by hand': async (manager, complete) => {
    await manager.query('savepoint around');
    await complete(manager);
    await manager.query('rollback to around');
  },
};

const KEPT: Record<string, Around> = {
  'nothing else': (manager, complete) => complete(manager),
  'a commit by hand': async (manager, complete) => {
    await complete(manager);
    await manager.query('commit');
  },
  'a rollback to a savepoint behind it': async (manager, complete) => {
    await complete(manager);
    await manager.query('savepoint behind');
    await manager.query('rollback to behind');
  },
};

const AGAIN: QueueHandlerOptions = { backoff: { type: 'constant', delayMs: 0 } };

describe('a completion in a transaction', () => {
  const story = aStory(PATIENT);

  beforeAll(() => story.database.query('create table effect (job uuid, at_attempt int)'));

  const effectsOf = (id: string) =>
    story.database.query('select at_attempt from effect where job = $1', [id]);

  /** What the transaction does around the completion, in the first attempt; the second completes. */
  const handlersOf = (around: Around, dataSource: () => DataSource): Type<unknown>[] => {
    const work = (job: Job<never>, manager: EntityManager, complete: Complete) => {
      const both = async () => {
        await manager.query('insert into effect values ($1, $2)', [job.id, job.attempt]);
        await complete(manager);
      };
      return job.attempt === 1 ? around(manager, both) : both();
    };
    const own = (queue: string) =>
      aHandler(
        queue,
        (job, context) =>
          dataSource().transaction((manager) =>
            work(job, manager, () => context.complete('done', { manager })),
          ),
        AGAIN,
      );
    const given = aHandler(
      'transactional',
      (job, context) => work(job, context.manager, () => context.complete('done')),
      { ...AGAIN, transactional: true },
    );
    class Batch {
      async process(jobs: Job<never>[], context: BatchContext) {
        for (const job of jobs)
          await dataSource().transaction((manager) =>
            work(job, manager, () => context.complete(job, 'done', { manager })),
          );
      }
    }
    QueueHandler('batch', { ...AGAIN, batch: { size: 1 } })(Batch);
    return [own('own'), own('ordered'), given, Batch];
  };

  const started = async (around: Around): Promise<TestApplication> => {
    const application: TestApplication = await story.start({
      providers: handlersOf(around, () => application.dataSource),
    });
    return application;
  };

  const QUEUES = {
    own: {},
    ordered: { group: 'g', ordered: true },
    transactional: {},
    batch: {},
  };

  it.each(Object.keys(UNDONE))('is no success where PostgreSQL undid it: %s', async (kind) => {
    const application = await started(UNDONE[kind]!);
    for (const [queue, options] of Object.entries(QUEUES)) {
      const { id } = await application.queues.enqueue(queue, {}, options);
      const job = await untilJobIs('succeeded', application, id);
      expect(job).toMatchObject({ attempt: 2, history: [{ attempt: 1, outcome: 'retried' }] });
      expect(await effectsOf(id)).toEqual([{ at_attempt: 2 }]);
      const of = (event: { id: string }) => event.id === id;
      expect(application.seen('retried').filter(of)).toMatchObject([
        { attempt: 1, error: { code: 'COMPLETION_ROLLED_BACK' } },
      ]);
      await eventually(() =>
        expect(application.seen('succeeded').filter(of)).toMatchObject([{ attempt: 2 }]),
      );
    }
  });

  it.each(Object.keys(KEPT))('is a success where it was kept: %s', async (kind) => {
    const application = await started(KEPT[kind]!);
    for (const [queue, options] of Object.entries(QUEUES)) {
      const { id } = await application.queues.enqueue(queue, {}, options);
      expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 1 });
      expect(await effectsOf(id)).toEqual([{ at_attempt: 1 }]);
    }
    expect(application.seen('retried')).toEqual([]);
  });

  const broken = (manager: EntityManager) =>
    manager.query('select 1 / 0').catch(() => undefined) as Promise<unknown>;

  it.each<[string, (manager: EntityManager) => Promise<unknown>, unknown]>([
    ['behind an error that was caught before it', broken, 'done'],
    ['given a promise', () => Promise.resolve(), Promise.resolve('done')],
    ['given what is no success', () => Promise.resolve(), JobResult.retryIn(0)],
  ])(
    'that fails is no success where the handler catches its error: %s',
    async (_, before, told) => {
      const application: TestApplication = await story.start({
        providers: [
          aHandler(
            'caught',
            async (job, context) => {
              if (job.attempt > 1) return;
              const work = application.dataSource.transaction(async (manager) => {
                await before(manager);
                await context.complete(told, { manager });
              });
              await work.catch(() => undefined);
            },
            AGAIN,
          ),
        ],
      });
      const { id } = await application.queues.enqueue('caught', {});

      expect(await untilJobIs('succeeded', application, id)).toMatchObject({
        attempt: 2,
        history: [{ attempt: 1, outcome: 'retried' }],
      });
      expect(application.seen('retried')).toMatchObject([
        { error: { code: 'COMPLETION_ROLLED_BACK' } },
      ]);
    },
  );

  it('that fails is a success where another one completes the job', async () => {
    const application: TestApplication = await story.start({
      providers: [
        aHandler('twice', async (_, context) => {
          for (const before of [broken, () => undefined]) {
            const work = application.dataSource.transaction(async (manager) => {
              await before(manager);
              await context.complete('done', { manager });
            });
            await work.catch(() => undefined);
          }
        }),
        aHandler(
          'transactional',
          (_, context) => context.complete(Promise.resolve()).catch(() => undefined),
          { transactional: true },
        ),
      ],
    });
    for (const queue of ['twice', 'transactional']) {
      const { id } = await application.queues.enqueue(queue, {});
      expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 1 });
    }
  });

  it.each([
    [
      'nothing of each job: those behind the one that failed have not succeeded either',
      undefined,
      [2, 2, 2],
    ],
    ['null, which is nothing as well', null, [2, 2, 2]],
    ['what became of each job: all but the one that failed have succeeded', [0, 1, 2], [1, 2, 1]],
  ])('that fails in a batch which says %s', async (_, says, attempts) => {
    class Batch {
      async process(jobs: Job<number>[], context: BatchContext) {
        if (jobs.some(({ attempt }) => attempt > 1)) return undefined;
        const work = application.dataSource.transaction(async (manager) => {
          await broken(manager);
          await context.complete(jobs[1]!, 'done', { manager });
        });
        await work.catch(() => undefined);
        return says as undefined;
      }
    }
    QueueHandler('several', { ...AGAIN, batch: { size: 3 } })(Batch);
    const options = { worker: { autoStart: false } };
    const application: TestApplication = await story.start({ providers: [Batch], options });
    const jobs = await application.queues.enqueueMany('several', [0, 1, 2].map((payload) => ({ payload }))); // prettier-ignore
    await application.worker.start();

    const ended = jobs.map(({ id }) => untilJobIs('succeeded', application, id));
    expect((await Promise.all(ended)).map(({ attempt }) => attempt)).toEqual(attempts);
  });
});
