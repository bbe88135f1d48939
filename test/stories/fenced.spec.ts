import { describe, expect, it } from '@jest/globals';
import type { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { Rival } from '../support/storage.js';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';

const CHILD = new URL('./child-worker.ts', import.meta.url);

describe('I3 fenced: who lost a job changes nothing', () => {
  const story = aStory();

  /** A handler that is slow in its first run; its lease runs out meanwhile, and its job is run again elsewhere. */
  async function aZombie(queue: string, first: (job: Job<never>, context: JobContext) => unknown) {
    const gate = aGate();
    const signals: AbortSignal[] = [];
    const handler = async (job: Job<never>, context: JobContext) => {
      signals.push(context.signal);
      if (signals.length > 1) return 'second';
      await gate.passed;
      return first(job, context);
    };
    const application = await story.start({ providers: [aHandler(queue, handler)] });
    const { id } = await application.queues.enqueue(queue, {}, { maxAttempts: 1 });
    await eventually(() => expect(signals.length).toBe(1));
    await loseLeases(story.database);
    return { application, gate, id, signals };
  }

  const untilReported = (application: TestApplication, id: string) =>
    eventually(() => expect(application.seen('leaseLost')).toMatchObject([{ id }]));

  it('refuses a late success and reports it', async () => {
    const { application, gate, id } = await aZombie('late-success', () => 'late');
    await untilJobIs('succeeded', application, id);

    gate.open();

    await untilReported(application, id);
    expect(await application.queues.find(id)).toMatchObject({
      state: 'succeeded',
      output: 'second',
    });
    await eventually(() => expect(application.seen('succeeded').length).toBe(1));
  });

  it('refuses a late failure, which spends no attempt', async () => {
    const { application, gate, id } = await aZombie('late-failure', () =>
      JobResult.critical('late'),
    );
    await untilJobIs('succeeded', application, id);

    gate.open();

    await untilReported(application, id);
    expect(await application.queues.find(id)).toMatchObject({
      state: 'succeeded',
      output: 'second',
      attempt: 1,
      history: [],
    });
    expect(application.seen('failed')).toEqual([]);
  });

  it('refuses a late completion in the own transaction, and rolls the effect back', async () => {
    await story.database.query('create table late_effect (id uuid)');
    const { application, gate, id } = await aZombie('late-completion', (job, context) =>
      application_().dataSource.transaction(async (manager) => {
        await manager.query('insert into late_effect values ($1)', [job.id]);
        await context.complete('late', { manager });
      }),
    );
    const application_ = () => application;
    await untilJobIs('succeeded', application, id);

    gate.open();

    await untilReported(application, id);
    expect(await story.database.query('select * from late_effect')).toEqual([]);
    expect(await application.queues.find(id)).toMatchObject({
      state: 'succeeded',
      output: 'second',
    });
  });

  it('aborts the handlers of a lost lease, and spends no attempt of those that give up for it', async () => {
    const { application, id, signals, gate } = await aZombie('aborted', async (_job, { signal }) =>
      signal.throwIfAborted(),
    );

    await eventually(() => expect(signals[0]!.reason).toMatchObject({ code: 'LEASE_LOST' }));
    gate.open();

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({
      output: 'second',
      attempt: 1,
    });
  });

  it('spends no attempt when a handler gives up because the lease could not be renewed, though nobody took the job', async () => {
    const gate = aGate();
    let runs = 0;
    const application = await story.start({
      options: { reaperIntervalMs: 3_600_000 },
      providers: [
        aHandler('unreaped', async (_job, { signal }) => {
          if (++runs > 1) return 'second';
          await gate.passed;
          return signal.throwIfAborted();
        }),
      ],
    });
    const { id } = await application.queues.enqueue('unreaped', {}, { maxAttempts: 1 });
    await eventually(() => expect(runs).toBe(1));
    await loseLeases(story.database);
    await eventually(async () =>
      expect((await story.database.query('select from simple_queue.lease')).length).toBe(1),
    );

    gate.open();

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({
      output: 'second',
      attempt: 1,
      history: [],
    });
  });

  it('never renews a lease that was lost, it takes another', async () => {
    const application = await story.start({ providers: [] });
    const leases = () => story.database.query<{ id: string }>('select id from simple_queue.lease');
    const [before] = await leases();

    await loseLeases(story.database);

    await eventually(async () => expect((await leases()).length).toBe(1));
    expect((await leases())[0]!.id).not.toBe(before!.id);
    expect(
      await application.storage.leases.renew(before!.id, 1_000, { claims: [], olderThanMs: 1 }),
    ).toMatchObject({
      alive: false,
    });
  });

  it('reports no success of a completion that rolled back after its job was reaped', async () => {
    const rolledBack = aGate();
    let runs = 0;
    const application = await story.start({
      providers: [
        aHandler('rolled-back', async (_job, context) => {
          if (++runs > 1) return JobResult.rescheduleIn(3_600_000);
          await application.dataSource
            .transaction(async (manager) => {
              await context.complete('undone', { manager });
              throw new Error('undo');
            })
            .catch(() => undefined);
          return rolledBack.passed;
        }),
      ],
    });
    const { id } = await application.queues.enqueue('rolled-back', {});
    await eventually(() => expect(runs).toBe(1));
    await loseLeases(story.database);
    await untilJobIs('scheduled', application, id);

    rolledBack.open();

    await untilReported(application, id);
    expect(application.seen('succeeded')).toEqual([]);
  });

  it('runs on elsewhere what a frozen process held, and refuses all that it says when it thaws', async () => {
    await story.database.query('create table frozen_effect (job uuid, pid int)');
    const application = await story.start({
      options: { worker: { autoStart: false } },
      providers: [aHandler('frozen', () => 'thawed')],
    });
    const { queues, worker } = application;
    const jobs = await queues.enqueueMany(
      'frozen',
      Array.from({ length: 20 }, (_, n) => ({ payload: { n } })),
    );
    // No run of the child ends before the test says so.
    const rival = await Rival.connect(story.database);
    await rival.query(`select pg_advisory_lock(hashtext('frozen'))`);
    const child = await new Child(CHILD, {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: 'frozen',
    }).ready();
    await child.says((line) => line.event === 'started');
    child.signal('SIGSTOP');

    await worker.start();
    await eventually(() => expect(application.seen('succeeded').length).toBe(jobs.length), {
      timeoutMs: 20_000,
    });
    await rival.close();
    child.signal('SIGCONT');
    await child.says((line) => line.event === 'leaseLost');
    child.signal('SIGTERM');
    await child.exited();

    expect(child.said.filter((line) => line.event === 'succeeded')).toEqual([]);
    expect(await story.database.query('select * from frozen_effect')).toEqual([]);
    for (const { id } of jobs)
      expect(await queues.find(id)).toMatchObject({ state: 'succeeded', output: 'thawed' });
  });
});
