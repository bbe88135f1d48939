import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { Janitor } from '../../lib/maintenance/janitor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

/** No loop turns here: what waits is looked at when the test says so. */
describe('a workflow that waits for jobs of others', () => {
  let test: TestStorage;
  let workflows: QueueWorkflows;
  let queues: QueueService;
  let advancer: Advancer;

  beforeAll(async () => {
    test = await aStorage();
    workflows = new QueueWorkflows(test.storage, resolveOptions({}).options, test.events);
    queues = new QueueService(test.storage, test.options, test.events);
    advancer = new Advancer(aSite(test));
  });
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) => test.database.query(sql, values);
  const advance = async (): Promise<number> => {
    for (;;) {
      const rest = await advancer.round();
      if (rest > 0) return rest;
    }
  };
  const succeed = (id: string, output = '7') =>
    test.storage.workflows.settle('w', [{ id, epoch: 0, runMs: 1, keepMs: 60_000, output }]);
  const flow = (id: string) =>
    workflow('report')
      .job('export', id)
      .step('report', 'work', 1, { after: 'export' })
      .step('alert', 'work', 2, { after: 'export', when: 'failed' })
      .step('clean', 'work', 3, { after: 'export', when: 'ended' });
  const statesOf = async (id: string) =>
    (await workflows.find(id))!.steps.map(({ name, state }) => `${name} ${state}`);
  const jobOf = async (id: string, step: string) =>
    (await workflows.find(id))!.steps.find(({ name }) => name === step)!.ids[0]!;
  const SUCCEEDED = ['export succeeded', 'report running', 'alert skipped', 'clean running'];
  const notSucceeded = (state: string) => [`export ${state}`, 'report skipped', 'alert running', 'clean running']; // prettier-ignore

  it('hears in one look of the last of 1,200 of them, though the others go on', async () => {
    const jobs = await queues.enqueueMany('work', Array.from({ length: 1_200 }, () => ({ payload: 0 }))); // prettier-ignore
    let many = workflow('many').job('j0', jobs[0]!.id);
    jobs.slice(1).forEach(({ id }, n) => (many = many.job(`j${n + 1}` as never, id)));
    const { id } = await workflows.start(many);
    await succeed(jobs.at(-1)!.id);
    await advance();
    expect((await statesOf(id)).filter((step) => step.endsWith('succeeded'))).toEqual(['j1199 succeeded']); // prettier-ignore
    await workflows.cancel(id);
    await test.rows.clear();
  });

  it('is looked at more and more rarely while that job runs: the same look was one every 5 ms', async () => {
    const { id: job } = await queues.enqueue('work', 'export');
    const { id } = await workflows.start(flow(job));
    await advance();
    const rests: number[] = [];
    for (let looks = 0; looks < 8; looks++) rests.push(await advancer.round());
    expect(rests.at(-1)).toBeGreaterThanOrEqual(500);
    await workflows.cancel(id);
    await test.rows.clear();
  });

  it('goes on when such a job has ended, and reads its output; the job knows nothing of it', async () => {
    const { id: job } = await queues.enqueue('work', 'export');
    const [before] = await query('select j.*, xmin from simple_queue.job j where id = $1', [job]);
    const { id } = await workflows.start(flow(job));
    expect(await advance()).toBeLessThan(Infinity);
    expect(await workflows.find(id)).toMatchObject({ state: 'running', jobs: 4 });
    expect((await workflows.find(id))!.steps[0]).toMatchObject({ state: 'running', ids: [job], jobs: 1, done: 0 }); // prettier-ignore
    expect(await query('select j.*, xmin from simple_queue.job j where id = $1', [job])).toEqual([before]); // prettier-ignore
    await new Janitor(aSite(test)).round();
    const admin = new QueueAdmin(test.storage, test.options);
    expect((await admin.troubles()).map(({ code }) => code)).not.toContain('WORKFLOWS');

    await succeed(job);
    expect(await advance()).toBe(Infinity);
    expect(await statesOf(id)).toEqual(SUCCEEDED);
    expect(await workflows.upstream({ id: await jobOf(id, 'report') })).toEqual({ export: 7 });
    await workflows.cancel(id);
  });

  it.each([
    ['succeeded', SUCCEEDED],
    ['cancelled', notSucceeded('cancelled')],
    ['failed', notSucceeded('failed')],
    ['poisoned', notSucceeded('failed')],
    ['expired', notSucceeded('failed')],
  ])('takes a job that has ended before as it has: %s', async (state, steps) => {
    const [job] = await endedJobs(test, 1, { state });
    const { id } = await workflows.start(flow(job!));
    await advance();
    expect(await statesOf(id)).toEqual(steps);
    await workflows.cancel(id);
  });

  it('has failed at a job that is not kept any more when it looks, and says so', async () => {
    const [job] = await endedJobs(test, 1, { state: 'succeeded' });
    const { id } = await workflows.start(flow(job!));
    await query('delete from simple_queue.archive where id = $1', [job]);
    await advance();
    expect(await statesOf(id)).toEqual(notSucceeded('failed'));
    expect((await workflows.find(id))!.steps[0]!.error).toMatchObject({
      code: 'JOB_UNKNOWN',
      message: expect.stringContaining('it was purged'),
    });
    await workflows.cancel(id);
    expect(() => workflow('w').job('a', '7')).toThrow('is not a UUID');
    expect(() => workflow('w').job('a', randomUUID()).job('a', randomUUID())).toThrow('twice');
  });

  it('waits for the step of another one, begun or not, whatever its queue keeps', async () => {
    const other = workflow('other')
      .step('a', 'work', 1)
      .step('b', 'work', 2, { after: 'a' })
      .step('c', 'work', 3, { after: 'a', when: 'failed' });
    const { id: of } = await workflows.start(other);
    const [b, c] = [await jobOf(of, 'b'), await jobOf(of, 'c')];
    const { id } = await workflows.start(flow(b));
    const { id: never } = await workflows.start(flow(c));
    await advance();
    expect((await statesOf(id))[0]).toBe('export running');
    for (const job of [await jobOf(of, 'a'), b])
      await test.storage.workflows.settle('w', [{ id: job, epoch: 0, runMs: 1, keepMs: undefined, output: '8' }]); // prettier-ignore
    await advance();
    expect(await statesOf(id)).toEqual(SUCCEEDED);
    expect(await statesOf(never)).toEqual(notSucceeded('cancelled'));
    expect(await workflows.upstream({ id: await jobOf(id, 'report') })).toEqual({ export: 8 });
    for (const each of [id, never]) await workflows.cancel(each);
  });

  it('leaves the job as it is when it is cancelled or late, and awaits it again in another attempt', async () => {
    const { id: job } = await queues.enqueue('work', 'export');
    const { id } = await workflows.start(flow(job), { deadlineMs: '1 h' });
    await workflows.cancel(id);
    expect(await workflows.find(id)).toMatchObject({ state: 'cancelled' });
    await workflows.retry(id);
    await query('update simple_queue.workflow set deadline_at = now() where id = $1', [id]);
    await advance();
    expect(await workflows.find(id)).toMatchObject({ state: 'failed', stop: 'expired' });
    expect((await queues.find(job))?.state).toBe('ready');

    await workflows.retry(id);
    await queues.cancel({ id: job });
    await advance();
    expect(await statesOf(id)).toEqual(notSucceeded('cancelled'));
    for (const step of ['alert', 'clean']) await succeed(await jobOf(id, step));
    expect(await workflows.find(id)).toMatchObject({ state: 'failed', attempt: 3 });
    await workflows.retry(id);
    await advance();
    expect(await statesOf(id)).toEqual(['export cancelled', 'report skipped', 'alert succeeded', 'clean succeeded']); // prettier-ignore
    expect(await query('select kind from simple_queue.arrival')).toEqual([]);
  });

  it('hears of the end of one behind a thousand that go on', async () => {
    const { id: job } = await queues.enqueue('work', 'slow');
    const many = workflow('many');
    for (let n = 0; n < 1_000; n++) many.job(`s${n}`, job);
    const { id: slow } = await workflows.start(many);
    const [ended] = await endedJobs(test, 1, { state: 'succeeded' });
    const { id } = await workflows.start(flow(ended!));
    for (let look = 0; look < 3; look++) await advance();
    expect(await statesOf(id)).toEqual(SUCCEEDED);
    await succeed(job);
    for (let look = 0; look < 3; look++) await advance();
    expect(await workflows.find(slow)).toMatchObject({ state: 'succeeded' });
  });

  it('that was rolled back waits for nothing', async () => {
    const { id: job } = await queues.enqueue('work', 'export');
    await test.storage.database.callers
      .transaction(async (run) => {
        const stages = [{ name: 'a', many: false, again: false, jobs: [], after: [], plain: false, awaits: { id: randomUUID(), job } }]; // prettier-ignore
        await test.storage.workflows.start(run, { id: randomUUID(), name: 'w', stages, stopsAtFailure: false, keepMs: 60_000 }); // prettier-ignore
        throw new Error('back');
      })
      .catch(() => undefined);
    expect(await query(`select from simple_queue.arrival where kind = 'wait'`)).toEqual([]);
  });
});
