import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Job } from '../../lib/job/job.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { wakeUpAfter } from '../../lib/storage/wake-ups/wake-up.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory } from '../support/story.js';
import { patient } from '../support/patience.mjs';

describe('fairness', () => {
  const story = aStory();
  let begun: string[] = [];

  beforeEach(() => {
    begun = [];
  });

  const noting =
    (work: () => unknown = () => undefined) =>
    (job: Job) => {
      begun.push(job.group ?? job.queue);
      return work();
    };
  const many = (count: number, group?: string) =>
    Array.from({ length: count }, (_, n) => ({ payload: n, ...(group ? { group } : {}) }));
  const lastOf = (name: string) => begun.lastIndexOf(name);

  it(
    'between the groups of a fair queue: a backlog does not delay a few jobs of another group',
    async () => {
      const options = { queues: { mail: { fair: true } }, worker: { autoStart: false } };
      const application = await story.start({ providers: [aHandler('mail', noting())], options });
      await application.queues.enqueueMany('mail', many(20_000, 'big'));
      await application.queues.enqueueMany('mail', many(10, 'small'));
      await application.queues.enqueueMany('mail', many(10));
      await application.worker.start();
      await eventually(() => begun.length === 20_020, { timeoutMs: 30_000 });

      expect(lastOf('small')).toBeLessThan(2_500);
      expect(lastOf('mail')).toBeLessThan(2_500);
      await eventually(() => application.seen('succeeded').length === 20_020);
    },
    patient(60_000),
  );

  it('a worker works a fair queue whose setting only the producer has, at once when it is told', async () => {
    const producer = await story.start({
      options: { worker: false, queues: { mail: { fair: true } } },
    });
    const worker = await story.start({ providers: [aHandler('mail', noting())] });
    for (let n = 0; n < 5; n++) {
      await producer.queues.enqueue('mail', n, { group: `g${n % 2}` });
      await eventually(() => worker.seen('succeeded').length === n + 1);
    }
    expect(await worker.worker.runUntilEmpty()).toMatchObject({ failed: 0 });
  });

  it.each(['its own process', 'another process'])(
    'a worker learns from the enqueue of %s that a queue is fair: no look has to find that out',
    async (where) => {
      const fair = { pollIntervalMs: 600_000, queues: { mail: { fair: true } } };
      const providers = [aHandler('mail', noting())];
      const own = where === 'its own process';
      const worker = await story.start({
        providers,
        options: own ? fair : { pollIntervalMs: 600_000 },
      });
      const producer = own ? worker : await story.start({ options: { ...fair, worker: false } });
      await eventually(() => worker.storage.signals.listening?.isListening === true);
      await producer.queues.enqueueMany('mail', many(3, 'a'));
      await eventually(() => begun.length === 3);
      await eventually(() => worker.seen('succeeded').length === 3);
    },
  );

  const admin = ({ app }: TestApplication) => app.get(QueueAdmin, { strict: false });

  async function anEnded({ queues }: TestApplication): Promise<string> {
    const { id } = await queues.enqueue('mail', 1, { delayMs: 3_600_000 });
    await queues.cancel({ id });
    return id;
  }

  const aDelayed = async ({ queues }: TestApplication) =>
    (await queues.enqueue('mail', 1, { delayMs: 3_600_000 })).id;
  const aStaged = async ({ queues }: TestApplication) =>
    (await queues.enqueue('mail', 1, { staged: true })).id;
  const remote = ({ app }: TestApplication) => app.get(JobQueue, { strict: false });

  async function aPulled(producer: TestApplication): Promise<string> {
    await producer.queues.enqueue('mail', 1);
    const claim = () =>
      remote(producer).claim({ workerId: 'w', queues: ['mail'], leaseMs: 60_000, limit: 1 });
    return eventually(async () => {
      const { leaseId, jobs } = await claim();
      if (jobs.length === 0) throw new Error('nothing to claim yet');
      return leaseId;
    });
  }

  type Step<Answer> = (producer: TestApplication, made: string) => Promise<Answer>;
  const doors: [string, Step<string>, Step<unknown>][] = [
    ['a commit', aStaged, ({ queues }, id) => queues.commit(id)],
    ['a retry', anEnded, (producer, id) => admin(producer).retry(id)],
    ['a retry of what was scheduled', aDelayed, (producer, id) => admin(producer).retry(id)],
    [
      'a redrive',
      anEnded,
      (producer) => admin(producer).redrive({ queue: 'mail', state: 'cancelled' }, {}),
    ],
    [
      'a remote worker that gives a job back',
      aPulled,
      async (producer, lease) => {
        const [job] = await producer.dataSource.query<{ id: string }[]>(
          'select id from simple_queue.job',
        );
        return remote(producer).release(lease, job!.id);
      },
    ],
    [
      'the promotion by a process without a worker',
      aDelayed,
      async ({ dataSource, storage }) => {
        for (const table of ['job', 'scheduled'])
          await dataSource.query(`update simple_queue.${table} set run_at = '2001-01-01'`);
        storage.signals.send(wakeUpAfter(await storage.claims.promote('-infinity', [])));
      },
    ],
  ];

  it.each(doors)('a worker learns from %s that a queue is fair', async (_, make, free) => {
    const producer = await story.start({
      options: { worker: false, queues: { mail: { fair: true } } },
    });
    const made = await make(producer, '');
    const worker = await story.start({
      providers: [aHandler('mail', noting())],
      options: { pollIntervalMs: 600_000 },
    });
    await eventually(() => worker.storage.signals.listening?.isListening === true);
    await free(producer, made);
    await eventually(() => worker.seen('succeeded').length === 1);
  });

  it('a group keeps all its permits where it is alone', async () => {
    const gate = aGate();
    const options = { queues: { mail: { fair: true, concurrency: 20 } } };
    const application = await story.start({
      providers: [
        aHandler(
          'mail',
          noting(() => gate.passed),
        ),
      ],
      options,
    });
    await application.queues.enqueueMany('mail', many(200, 'only'));
    await eventually(() => begun.length === 20);
    gate.open();
    await eventually(() => application.seen('succeeded').length === 200);
  });

  it(
    'between the queues of a worker: a backlog in one does not starve another',
    async () => {
      const providers = [aHandler('flooded', noting()), aHandler('quiet', noting())];
      const application = await story.start({
        providers,
        options: { concurrency: 10, worker: { autoStart: false } },
      });
      await application.queues.enqueueMany('flooded', many(20_000));
      await application.queues.enqueueMany('quiet', many(10));
      await application.worker.start();
      await eventually(() => begun.length === 20_010, { timeoutMs: 30_000 });
      expect(lastOf('quiet')).toBeLessThan(2_500);
      await eventually(() => application.seen('succeeded').length === 20_010);
    },
    patient(60_000),
  );
});
