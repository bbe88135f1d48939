import { QueueHandler, QueueService, SimpleQueueModule, type Job } from 'nestjs-simple-queue';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import assert from 'node:assert/strict';
import { answers, database, tryOut } from './trial.js';

const KINDS = ['plain', 'fair', 'ordered', 'keyed', 'rated', 'kept'];
const SETTINGS = {
  fair: { fair: true },
  pulled: { fair: true },
  keyed: { perKey: { by: 'tenant', concurrency: 1 } },
  rated: { rate: { limit: 100, perMs: 1_000 } },
  kept: { archive: { keepMs: 3_600_000 }, maxPending: 100 },
};

class Double {
  process({ payload }: Job<{ n: number }>): number {
    return payload.n * 2;
  }
}
const doubles = KINDS.map((kind) => {
  const Handler = class extends Double {};
  QueueHandler(kind)(Handler);
  return Handler;
});

/** Statements of each kind of queue as they are published: what the bundle does to their texts, sources do not show. */
export const runsEachKind = () =>
  tryOut(
    {
      imports: [database(), SimpleQueueModule.forRoot({ queues: SETTINGS })],
      providers: doubles,
    },
    async (app) => {
      const queues = app.get(QueueService);
      for (const kind of KINDS) {
        const group = kind === 'fair' || kind === 'ordered' ? { group: 'one' } : {};
        const options = { ...group, ...(kind === 'ordered' ? { ordered: true } : {}) };
        const jobs = await Promise.all(
          [1, 2].map((n) => queues.enqueue(kind, { n, tenant: 'one' }, options)),
        );
        for (const [at, { id }] of jobs.entries()) await answers(app, id, (at + 1) * 2);
      }
      await runsAWorkflow(app.get(QueueWorkflows));
      await runsASchedule(app.get(QueueSchedules), queues);
      await pulls(app.get(JobQueue), queues);
    },
  );

async function runsAWorkflow(workflows: QueueWorkflows): Promise<void> {
  const { id } = await workflows.start(
    workflow('kinds')
      .each('first', 'fair', [{ n: 1 }, { n: 2 }])
      .step('last', 'keyed', { n: 3, tenant: 'two' }, { after: 'first' }),
  );
  const { state } = await workflows.wait(id, { timeoutMs: 50_000 });
  assert.equal(state, 'succeeded');
}

async function runsASchedule(schedules: QueueSchedules, queues: QueueService): Promise<void> {
  await schedules.put('nightly', { target: 'plain', cron: '0 3 * * *', payload: { n: 4 } });
  const { id } = await schedules.trigger('nightly');
  const { state } = await queues.wait(id, { timeoutMs: 50_000 });
  assert.equal(state, 'succeeded');
}

async function pulls(pull: JobQueue, queues: QueueService): Promise<void> {
  const { id } = await queues.enqueue('pulled', { n: 1 }, { group: 'one' });
  const { leaseId, jobs } = await pull.claim({ workerId: 'remote', queues: ['pulled'] });
  assert.deepEqual(
    jobs.map((job) => job.id),
    [id],
  );
  // Or it comes back to whoever tries this again, a lease later.
  await pull.complete(leaseId, id);
}
