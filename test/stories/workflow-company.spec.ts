import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { constant } from '../../lib/job/backoff.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import type { JobContext } from '../../lib/job/job-context.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { workflow, type AnyWorkflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { patient } from '../support/patience.mjs';
import { pauseFor } from '../support/pause.js';
import { aDatabase } from '../support/template.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import type { TestDatabase } from '../support/database.js';

const Invoice = defineJob({
  queue: 'invoices',
  name: 'send',
  payload: z.object({ cents: z.number() }),
  output: z.object({ sent: z.boolean() }),
  defaults: { maxAttempts: 1, priority: 3 },
});
const OPTIONS = {
  ...PATIENT,
  backoff: constant({ delayMs: 0 }),
  rescheduleForMs: 1,
  limits: { api: { concurrency: 2 } },
  queues: {
    few: { maxPending: 1 },
    fleet: { fleetConcurrency: 1 },
    keyed: { perKey: { by: 'key', concurrency: 1 } },
  },
};

/** One application, in which the steps of every workflow meet something else. */
describe('a step of a workflow', () => {
  let database: TestDatabase;
  let one: TestApplication;
  let workflows: QueueWorkflows;
  let admin: QueueAdmin;
  let ran: string[] = [];
  let onRun: (job: Job<never>, context: JobContext) => unknown;
  const running = new Map<string, number>();
  const most = new Map<string, number>();

  const work = async (job: Job<never>, context: JobContext) => {
    ran.push(`${job.queue} ${JSON.stringify(job.payload)}`);
    running.set(job.queue, (running.get(job.queue) ?? 0) + 1);
    most.set(job.queue, Math.max(most.get(job.queue) ?? 0, running.get(job.queue)!));
    try {
      await new Promise((resolve) => setImmediate(resolve));
      return (await onRun(job, context)) ?? job.payload;
    } finally {
      running.set(job.queue, running.get(job.queue)! - 1);
    }
  };

  beforeAll(async () => {
    database = await aDatabase();
    await database.query('create table effect (job uuid)');
    one = await anApplication(database, {
      options: OPTIONS,
      providers: [
        ...['work', 'few', 'fleet', 'keyed'].map((queue) => aHandler(queue, work)),
        aHandler(Invoice as never, work),
        aHandler('named', work, { uses: ['api'] }),
        aHandler('effects', work, { transactional: true }),
        aHandler('batches', ((jobs: Job<never>[], context: JobContext) => Promise.all(jobs.map((job) => work(job, context)))) as never, { batch: { size: 4, lingerMs: 1 } }), // prettier-ignore
      ],
    });
    const get = <T>(token: abstract new (...args: never[]) => T): T => one.app.get(token as never, { strict: false }); // prettier-ignore
    [workflows, admin] = [get(QueueWorkflows), get(QueueAdmin)];
  });
  afterAll(async () => {
    await one.close();
    expect(await database.query(CHECK_PLACES.text)).toEqual([]);
    await database.drop();
  });
  beforeEach(() => {
    [ran, onRun] = [[], () => undefined];
  });
  afterEach(async () => {
    for (const queue of ['work', 'few']) await admin.resume(queue);
    await eventually(async () => expect(await database.query('select kind from simple_queue.arrival')).toEqual([])); // prettier-ignore
  });

  const endOf = async (id: string) => {
    const { state, steps } = await workflows.wait(id, { timeoutMs: patient(25_000) });
    const succeeded = ({ state: of, done, failed }: (typeof steps)[number]) => of === 'skipped' ? '' : ` ${done - failed}`; // prettier-ignore
    return [state, ...steps.map((step) => `${step.name} ${step.state}${succeeded(step)}`)];
  };
  const run = async (flow: Parameters<QueueWorkflows['start']>[0], options = {}) =>
    endOf((await workflows.start(flow, options)).id);
  const then = (flow: AnyWorkflow): AnyWorkflow =>
    flow
      .step('next', 'work', 'next', { after: 'a' })
      .step('alert', 'work', 'alert', { after: 'a', when: 'failed' });
  const SUCCEEDED = (n = 1) => [
    'succeeded',
    `a succeeded ${n}`,
    'next succeeded 1',
    'alert skipped',
  ];
  const FAILED = (state = 'failed', n = 0) => [
    'failed',
    `a ${state} ${n}`,
    'next skipped',
    'alert succeeded 1',
  ];

  it.each([
    ['fleet', 1],
    ['named', 2],
    ['keyed', 1],
    ['few', 10],
    ['batches', 10],
    ['effects', 10],
  ])(
    'runs under the rules of its queue, and the next one begins once: %s',
    async (queue, atOnce) => {
      const items = Array.from({ length: 8 }, (_, n) => ({ n, key: 'k' }));
      expect(await run(then(workflow('w').each('a', queue, items)))).toEqual(SUCCEEDED(8));
      expect(ran).toHaveLength(9);
      expect(most.get(queue)).toBeLessThanOrEqual(atOnce);
    },
  );

  it('has queue, name, defaults and schemas of its template', async () => {
    onRun = (job) => (job.queue === 'invoices' ? { sent: job.name === 'send' && job.priority === 3 } : undefined); // prettier-ignore
    expect(await run(then(workflow('w').step('a', Invoice, { cents: 1 })))).toEqual(SUCCEEDED());
    onRun = (job) => (job.queue === 'invoices' ? { sent: 'yes' } : undefined);
    // Its work is done: what does not fit is reported, and kept.
    expect(await run(then(workflow('w').step('a', Invoice, { cents: 1 })))).toEqual(SUCCEEDED());
    expect(one.seen('outputInvalid')).toHaveLength(1);
    const bad = workflow('bad')
      .step('b', 'work', 1)
      .step('a', Invoice, { cents: 'x' } as never);
    await expect(workflows.start(bad)).rejects.toMatchObject({ code: 'INVALID_PAYLOAD', message: expect.stringContaining('Step "a"') }); // prettier-ignore
    expect(await workflows.list({ name: 'bad' })).toEqual([]);
  });

  it('fails alone in its batch, and its own effect is rolled back', async () => {
    const items = Array.from({ length: 8 }, (_, n) => n);
    onRun = ({ payload }) => (payload === 3 ? JobResult.unprocessable('no') : undefined);
    expect(await run(then(workflow('w').each('a', 'batches', items)))).toEqual(FAILED('failed', 7));
    onRun = async (job, context) => {
      if (job.queue !== 'effects') return;
      await context.manager.query('insert into effect values ($1)', [job.id]);
      if (job.attempt < 3) throw new Error('again');
    };
    expect(await run(then(workflow('w').step('a', 'effects', 1)))).toEqual(SUCCEEDED());
    expect(await database.query('select from effect')).toHaveLength(1);
  });

  it('has failed when it has rescheduled itself for too long, and when its time is over', async () => {
    onRun = ({ queue }) => (queue === 'few' ? JobResult.rescheduleIn(2) : undefined);
    expect(await run(then(workflow('w').step('a', 'few', 1)))).toEqual(FAILED());
    onRun = async ({ queue }, { signal }) => {
      if (queue !== 'few') return;
      if (!signal.aborted) await new Promise((over) => signal.addEventListener('abort', over));
      throw new Error('late');
    };
    expect(await run(then(workflow('w').step('a', 'few', 1, { timeoutMs: 20, maxAttempts: 1 })))).toEqual(FAILED()); // prettier-ignore
  });

  it.each([
    ['cancel', () => admin.cancel({ queue: 'few' })],
    ['purge', () => admin.purge({ queue: 'few' })],
  ])('counts as cancelled where somebody does so to its queue: %s', async (_, act) => {
    const later = { delayMs: 3_600_000 };
    const { id } = await workflows.start(then(workflow('w').step('a', 'few', 1, later)));
    await act();
    expect(await endOf(id)).toEqual(FAILED('cancelled'));
  });

  it('is started by a staged job, and waits for one, once that is committed', async () => {
    onRun = async ({ queue, payload }) => {
      if (queue === 'few') await workflows.start(workflow('by-staged').step('a', 'work', payload));
    };
    const staged = await one.queues.enqueue('few', 7, { staged: true });
    const { id } = await workflows.start(then(workflow('w').job('a', staged.id)));
    expect(ran).toEqual([]);
    await one.queues.commit(staged.id);
    expect(await endOf(id)).toEqual(SUCCEEDED());
    const [started] = await workflows.list({ name: 'by-staged' });
    expect(await endOf(started!.id)).toEqual(['succeeded', 'a succeeded 1']);

    const aborted = await one.queues.enqueue('few', 8, { staged: true });
    const other = await workflows.start(then(workflow('w').job('a', aborted.id)));
    await one.queues.abort(aborted.id);
    expect(await endOf(other.id)).toEqual(FAILED('cancelled'));
  });

  it('of a workflow that a schedule starts: one at a time, by its uniqueKey', async () => {
    await pauseFor([one], 'work');
    const started: boolean[] = [];
    onRun = async ({ queue }) => {
      if (queue !== 'few') return;
      const { created } = await workflows.start(workflow('report').step('a', 'work', 1), { uniqueKey: 'daily' }); // prettier-ignore
      started.push(created);
    };
    const schedules = one.app.get(QueueSchedules, { strict: false });
    await schedules.put('daily', { everyMs: 86_400_000, target: 'few', payload: 1 });
    for (const times of [1, 2]) {
      await schedules.trigger('daily');
      await eventually(() => expect(started).toHaveLength(times));
    }
    expect(started).toEqual([true, false]);
    await admin.resume('work');
    const [report] = await workflows.list({ name: 'report' });
    expect(await endOf(report!.id)).toEqual(['succeeded', 'a succeeded 1']);
    await schedules.remove('daily');
  });

  it('stays as it is where a transaction rolls back that started, cancelled or stopped it', async () => {
    await pauseFor([one], 'few');
    const { id } = await workflows.start(then(workflow('w').step('a', 'few', 1)));
    const back = one.dataSource.transaction(async (manager) => {
      await workflows.start(workflow('never').step('a', 'work', 1), { manager });
      await workflows.cancel(id, { manager });
      await one.queues.cancel({ workflowId: id }, { manager });
      throw new Error('back');
    });
    await expect(back).rejects.toThrow('back');
    expect(await workflows.list({ name: 'never' })).toEqual([]);
    await admin.resume('few');
    expect(await endOf(id)).toEqual(SUCCEEDED());
  });

  it('has no part in unique keys of other jobs, and may have its own workflow in a group of each', async () => {
    const key = { uniqueKey: 'w', group: 'g', ordered: true };
    await pauseFor([one], 'few');
    const first = await one.queues.enqueue('few', 'other', key);
    const { id } = await workflows.start(then(workflow('w').each('a', 'few', [1, 2], { group: 'g', ordered: true })), { uniqueKey: 'w' }); // prettier-ignore
    expect((await one.queues.enqueue('few', 'again', key)).id).toBe(first.id);
    await admin.resume('few');
    expect(await endOf(id)).toEqual(SUCCEEDED(2));
    expect(ran.filter((line) => line.startsWith('few'))).toEqual(['few "other"', 'few 1', 'few 2']);
  });
});
