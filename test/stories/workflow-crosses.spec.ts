import { describe, expect, it } from '@jest/globals';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { constant } from '../../lib/job/backoff.js';
import type { Job } from '../../lib/job/job.js';
import type { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aHandler, PATIENT, type TestApplication, failedLoops } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { patient } from '../support/patience.mjs';
import { pauseFor } from '../support/pause.js';
import { Rival } from '../support/storage.js';
import { aStory, loseLeases } from '../support/story.js';

const workflowsOf = ({ app }: TestApplication): QueueWorkflows =>
  app.get(QueueWorkflows, { strict: false });

describe('steps of a workflow', () => {
  const story = aStory(PATIENT);
  const ran: string[] = [];
  const work = async (job: Job) => void ran.push(job.payload as string);

  const started = async (
    process: (job: Job<never>, context: JobContext) => unknown = work,
    options: SimpleQueueOptions = {},
  ) => {
    ran.length = 0;
    const app = await story.start({ options, providers: [aHandler('work', process)] });
    return { app, workflows: workflowsOf(app) };
  };
  const twoSteps = (name: string) =>
    workflow(name).step('a', 'work', 'a').step('b', 'work', 'b', { after: 'a' });
  const statesOf = async (workflows: QueueWorkflows, id: string) =>
    (await workflows.wait(id)).steps.map(({ state }) => state);

  it('enter their ordered group when they begin, and wait for its turn', async () => {
    const gate = aGate();
    const { app, workflows } = await started(async (job: Job) => {
      if (job.payload === 'other') await gate.passed;
      await work(job);
    });
    const group = { group: 'g', ordered: true };
    await app.queues.enqueue('work', 'other', group);
    const flow = workflow('ordered')
      .step('a', 'work', 'a')
      .step('b', 'work', 'b', { after: 'a', ...group })
      .step('c', 'work', 'c', { after: 'b' });
    const { id } = await workflows.start(flow);
    const jobOfB = (await workflows.find(id))!.steps[1]!.ids[0]!;
    await eventually(async () => expect((await app.queues.find(jobOfB))?.state).toBe('blocked'));

    gate.open();
    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(ran).toEqual(['a', 'other', 'b', 'c']);
  });

  it('begin later while a transaction holds their group, and hold up nobody else meanwhile', async () => {
    const { app, workflows } = await started();
    const group = { group: 'held', ordered: true };
    const release = aGate();
    const holding = app.dataSource.transaction(async (manager) => {
      await app.queues.enqueue('work', 'first', { ...group, manager });
      await release.passed;
    });
    const flow = workflow('held')
      .step('a', 'work', 'a')
      .step('b', 'work', 'b', { after: 'a', ...group });
    const { id } = await workflows.start(flow);
    await eventually(async () =>
      expect((await workflows.find(id))!.steps[1]!.state).toBe('running'),
    );

    const other = await workflows.start(twoSteps('other'));
    expect(await statesOf(workflows, other.id)).toEqual(['succeeded', 'succeeded']);
    expect((await workflows.find(id))!.state).toBe('running');

    release.open();
    await holding;
    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded']);
    expect(ran.slice(-2)).toEqual(['first', 'b']);
  });

  it('take their turns in fair queues, keep their priority and their delay, which begins with them', async () => {
    const { app, workflows } = await started(work, { queues: { work: { fair: true } } });
    const flow = workflow('timed')
      .step('a', 'work', 'a', { group: 'x' })
      .step('b', 'work', 'b', { after: 'a', delayMs: 60_000, priority: 7 });
    const { id } = await workflows.start(flow);
    const job = (await workflows.find(id))!.steps[1]!.ids[0]!;

    await eventually(async () =>
      expect(await app.queues.find(job)).toMatchObject({
        state: 'scheduled',
        priority: 7,
        workflowId: id,
      }),
    );
    await app.queues.change(job, { delayMs: 0 });
    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded']);
  });

  it('are followed once, whatever their retries, and read each output', async () => {
    const read: unknown[] = [];
    let failures = 2;
    const { workflows } = await started(async (job: Job) => {
      if (job.payload === 'a' && failures-- > 0) throw new Error('not yet');
      if (job.payload === 'b') read.push(await workflows.upstream(job));
      return job.payload === 'a' ? { attempt: job.attempt } : undefined;
    });
    const flow = workflow('retried')
      .step('a', 'work', 'a', { backoff: constant({ delayMs: 1 }) })
      .each('none', 'work', [])
      .step('b', 'work', 'b', { after: ['a', 'none'] });
    const { id } = await workflows.start(flow);

    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(read).toEqual([{ a: { attempt: 3 }, none: [] }]);
  });

  it('that kill their process have failed when they are poisoned', async () => {
    const gate = aGate();
    const { app, workflows } = await started(async (job: Job) => {
      ran.push(job.payload as string);
      if (job.payload === 'a') await gate.passed;
    });
    const flow = workflow('poison')
      .step('a', 'work', 'a')
      .step('b', 'work', 'b', { after: 'a' })
      .step('c', 'work', 'c', { after: 'a', when: 'failed' });
    const { id } = await workflows.start(flow);
    await eventually(() => expect(ran).toContain('a'));
    const [job] = (await workflows.find(id))!.steps[0]!.ids;
    await story.database.query('update simple_queue.job set suspicion = 3, stalls = 2 where id = $1', [job]); // prettier-ignore
    await loseLeases(story.database);

    expect(await statesOf(workflows, id)).toEqual(['failed', 'skipped', 'succeeded']);
    expect((await app.queues.find(job!))!.state).toBe('poisoned');
    gate.open();
  });

  it('are cancelled alone, if and only if the transaction commits that does it', async () => {
    const { app, workflows } = await started();
    await pauseFor([app], 'work');
    const { id } = await workflows.start(twoSteps('cancelled'));
    const [job] = (await workflows.find(id))!.steps[0]!.ids;
    await expect(
      app.dataSource.transaction(async (manager) => {
        await app.queues.cancel({ id: job! }, { manager });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect((await workflows.find(id))!.steps[0]).toMatchObject({ state: 'running', done: 0 });

    await app.dataSource.transaction((manager) => app.queues.cancel({ id: job! }, { manager }));
    expect(await statesOf(workflows, id)).toEqual(['cancelled', 'skipped']);
    expect((await workflows.find(id))!.state).toBe('failed');
    await app.app.get(QueueAdmin, { strict: false }).resume('work');
  });

  it('that complete in their transaction are followed after its commit', async () => {
    const { app, workflows } = await started(async (job: Job, context: JobContext) => {
      ran.push(job.payload as string);
      await app.dataSource.transaction((manager) => context.complete({ ok: true }, { manager }));
    });
    const { id } = await workflows.start(twoSteps('completed'));
    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded']);
    const [job] = (await workflows.find(id))!.steps[1]!.ids;
    expect(await workflows.upstream({ id: job! })).toEqual({ a: { ok: true } });
  });

  it('are worked by remote workers, also where no loop turns', async () => {
    const app = await story.start({ options: { worker: false, pollIntervalMs: 10 } });
    const [workflows, remote] = [workflowsOf(app), app.app.get(JobQueue, { strict: false })];
    const flow = workflow('remote')
      .step('a', 'far', 'a')
      .step('b', 'far', 'b', { after: 'a' })
      .step('c', 'far', 'c', { after: 'b', when: 'failed' });
    const { id } = await workflows.start(flow);
    const next = () =>
      eventually(async () => {
        const claim = await remote.claim({ workerId: 'r', queues: ['far'], limit: 1 });
        expect(claim.jobs).toHaveLength(1);
        return { lease: claim.leaseId, job: claim.jobs[0]! };
      });

    const a = await next();
    await remote.complete(a.lease, a.job.id, { done: 'a' });
    const b = await next();
    expect(b.job.payload).toBe('b');
    await remote.fail(b.lease, b.job.id, 'no', { retryable: false });
    const c = await next();
    await remote.complete(c.lease, c.job.id);
    await eventually(async () => {
      await remote.claim({ workerId: 'r', queues: ['far'], limit: 1 });
      expect((await workflows.find(id))!.state).toBe('failed');
    });
  });

  it('begin no more after a failure with onFailure cancel, or after the deadline', async () => {
    const gate = aGate();
    const { workflows } = await started(async (job: Job, context: JobContext) => {
      ran.push(job.payload as string);
      if (job.payload === 'bad') return JobResult.unprocessable('no');
      if (job.payload === 'slow')
        await Promise.race([gate.passed, new Promise((over) => context.signal.addEventListener('abort', over))]); // prettier-ignore
      return context.signal.aborted ? JobResult.cancel('asked') : undefined;
    });
    const flow = (name: string, first: string) =>
      workflow(name)
        .step('first', 'work', first)
        .step('slow', 'work', 'slow')
        .step('alert', 'work', 'alert', { after: ['first', 'slow'], when: 'ended' });
    const failed = await workflows.start(flow('stops', 'bad'), { onFailure: 'cancel' });
    const late = await workflows.start(flow('late', 'good'), { deadlineMs: 1 });

    expect(await workflows.wait(failed.id)).toMatchObject({ state: 'failed', stop: 'failed' });
    expect(await workflows.wait(late.id)).toMatchObject({ state: 'failed', stop: 'expired' });
    expect(ran).not.toContain('alert');
    gate.open();
  });

  it('wait for a job of others that runs already, and whose worker settles it as any', async () => {
    const gate = aGate();
    const { app, workflows } = await started(async (job: Job) => {
      if (job.payload === 'other') await gate.passed;
      await work(job);
      return job.payload;
    });
    const { id: other } = await app.queues.enqueue('work', 'other');
    await eventually(() => expect(app.seen('started')).toHaveLength(1));
    const flow = workflow('waits').job('other', other).step('a', 'work', 'a', { after: 'other' });
    const { id } = await app.dataSource.transaction((manager) =>
      workflows.start(flow, { manager }),
    );
    gate.open();
    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded']);
    const [job] = (await workflows.find(id))!.steps[1]!.ids;
    expect(await workflows.upstream({ id: job! })).toEqual({ other: 'other' });
  });

  it('are found by the key of their workflow while it lives, and start again after it', async () => {
    const { app, workflows } = await started();
    const options = { uniqueKey: 'k' };
    const admin = app.app.get(QueueAdmin, { strict: false });
    await pauseFor([app], 'work');
    const gone = await Promise.all(
      Array.from({ length: 5 }, () => workflows.start(twoSteps('keyed'), options)),
    );
    expect(new Set(gone.map(({ id }) => id)).size).toBe(1);
    expect(gone.filter(({ created }) => created)).toHaveLength(1);
    await admin.resume('work');
    await workflows.wait(gone[0]!.id);

    const next = await workflows.start(twoSteps('keyed'), options);
    expect(next.created).toBe(true);
    await workflows.wait(next.id);
    expect(ran).toEqual(['a', 'b', 'a', 'b']);
    const [named] = await workflows.list({ name: 'keyed', limit: 1 });
    expect(named).toMatchObject({ id: next.id, state: 'succeeded', jobs: 2 });
  });

  it('of many workflows end once each under three workers that share them', async () => {
    const { workflows, app } = await started(async (job: Job) => void ran.push(`${job.workflowId} ${job.payload as string}`)); // prettier-ignore
    const others = [aHandler('work', async (job: Job) => void ran.push(`${job.workflowId} ${job.payload as string}`))]; // prettier-ignore
    await Promise.all([story.start({ providers: others }), story.start({ providers: others })]);
    const flow = workflow('fan')
      .each(
        'part',
        'work',
        Array.from({ length: 20 }, (_, n) => `p${n}`),
      )
      .each('half', 'work', ['h0', 'h1'], { after: 'part' })
      .step('last', 'work', 'last', { after: 'half' });
    const all = await Promise.all(Array.from({ length: 20 }, () => workflows.start(flow)));
    for (const { id } of all) expect((await workflows.wait(id, { timeoutMs: patient(25_000) })).state).toBe('succeeded'); // prettier-ignore

    expect(ran).toHaveLength(20 * 23);
    expect(new Set(ran).size).toBe(20 * 23);
    for (const { id } of all)
      expect(ran.filter((line) => line.startsWith(id)).at(-1)).toBe(`${id} last`);
    expect(failedLoops(app)).toEqual([]);
  });

  it('that others hold locked make nobody wait: a workflow whose row is held goes on afterwards', async () => {
    const { workflows } = await started();
    const rival = await Rival.connect(story.database);
    const flow = workflow('locked').step('a', 'work', 'a').step('b', 'work', 'b', { after: 'a' });
    const { id } = await workflows.start(flow, { deadlineMs: 600_000 });
    await rival.begin();
    await rival.query('select from simple_queue.workflow where id = $1 for update', [id]);
    const other = await workflows.start(twoSteps('free'));
    await rival.rollback();
    await rival.close();
    expect(await statesOf(workflows, id)).toEqual(['succeeded', 'succeeded']);
    expect(await statesOf(workflows, other.id)).toEqual(['succeeded', 'succeeded']);
  });
});
