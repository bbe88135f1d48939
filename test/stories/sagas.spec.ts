import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { step } from '../../lib/job/added-step.js';
import { constant } from '../../lib/job/backoff.js';
import type { Job } from '../../lib/job/job.js';
import type { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory } from '../support/story.js';

type Process = (job: Job<string>, context: JobContext) => unknown;

describe('a saga', () => {
  const story = aStory();
  const ran: string[] = [];
  const undone = () => ran.filter((name) => name.startsWith('undo '));

  /** Whose handler fails at what begins with "bad". */
  const started = async (process: Process = () => undefined) => {
    ran.length = 0;
    const work = aHandler('work', async (job: Job<string>, context) => {
      const result = await process(job, context);
      ran.push(job.payload);
      if (result !== undefined) return result;
      return job.payload.startsWith('bad') ? JobResult.unprocessable('no') : { of: job.payload };
    });
    const app = await story.start({ providers: [work] });
    const workflows = app.app.get(QueueWorkflows, { strict: false });
    return { app, workflows, admin: app.app.get(QueueAdmin, { strict: false }) };
  };
  const undo = (name: string) => ({ compensate: ['work', `undo ${name}`] }) as const;
  const order = (last = 'bad') =>
    workflow('order')
      .step('reserve', 'work', 'reserve', undo('reserve'))
      .step('pay', 'work', 'pay', { after: 'reserve', ...undo('pay') })
      .step('note', 'work', 'note', { after: 'pay' })
      .step('ship', 'work', last, { after: 'note', ...undo('ship') })
      .step('tell', 'work', 'tell', { after: 'ship' });

  it('that fails compensates what has completed, in reverse, one after another', async () => {
    const { app, workflows } = await started();
    const { id } = await workflows.start(order());
    const found = await workflows.wait(id);

    expect(found).toMatchObject({ state: 'compensated', jobs: 5 });
    expect(found.endedAt).toBeInstanceOf(Date);
    expect(ran).toEqual(['reserve', 'pay', 'note', 'bad', 'undo pay', 'undo reserve']);
    expect(found.steps.map(({ state, compensation }) => [state, compensation?.state])).toEqual([
      ['succeeded', 'succeeded'],
      ['succeeded', 'succeeded'],
      ['succeeded', undefined],
      ['failed', 'unused'],
      ['skipped', undefined],
    ]);
    const end = { id, name: 'order', state: 'compensated', attempt: 1 };
    await eventually(() => expect(app.seen('workflowEnded')).toEqual([end]));
    await expect(workflows.retry(id)).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
      message: expect.stringContaining('was compensated'),
    });
    expect(await workflows.cancel(id)).toBe(false);
    expect(await workflows.list({ state: 'compensated' })).toHaveLength(1);
  });

  it('that succeeds compensates nothing, and one that has completed nothing has failed', async () => {
    const { workflows } = await started();
    const good = await workflows.start(order('ship'));
    expect((await workflows.wait(good.id)).state).toBe('succeeded');
    const first = workflow('first')
      .step('reserve', 'work', 'bad', undo('reserve'))
      .step('pay', 'work', 'pay', { after: 'reserve', ...undo('pay') });
    const { id } = await workflows.start(first);
    expect((await workflows.wait(id)).state).toBe('failed');
    expect(undone()).toEqual([]);
    expect(await workflows.retry(id)).toBe(2);
    expect((await workflows.wait(id)).state).toBe('failed');
  });

  it('gives each compensation what its step has returned, and an item of a fan its own', async () => {
    const seen: unknown[] = [];
    const { workflows } = await started(async (job) => {
      if (job.payload.startsWith('undo')) seen.push([job.payload, await workflows.upstream(job)]);
    });
    const flow = workflow('fan')
      .step('one', 'work', 'one', undo('one'))
      .each('tile', 'work', ['t0', 'bad tile', 't2'], {
        after: 'one',
        compensate: ['work', (payload: unknown, n: number) => `undo ${payload as string} ${n}`],
      });
    const { id } = await workflows.start(flow);
    const found = await workflows.wait(id);

    expect(found.state).toBe('compensated');
    expect(found.steps[1]!.compensation).toMatchObject({ state: 'succeeded', jobs: 2, done: 2 });
    expect(seen.slice(0, 2).toSorted()).toEqual([
      ['undo t0 0', { tile: [{ of: 't0' }] }],
      ['undo t2 2', { tile: [{ of: 't2' }] }],
    ]);
    expect(seen.slice(2)).toEqual([['undo one', { one: { of: 'one' } }]]);
  });

  it('waits for what still runs, and compensates what succeeds late, first', async () => {
    const [gate, begun] = [aGate(), aGate()];
    const { workflows } = await started(async (job) => {
      if (job.payload === 'slow') begun.open();
      if (job.payload === 'slow') await gate.passed;
      // What has not begun would be cancelled instead.
      if (job.payload === 'bad') await begun.passed;
    });
    const flow = workflow('late')
      .step('first', 'work', 'first', undo('first'))
      .step('slow', 'work', 'slow', undo('slow'))
      .step('bad', 'work', 'bad', { after: 'first' });
    const { id } = await workflows.start(flow, { onFailure: 'cancel' });
    await eventually(async () => expect((await workflows.find(id))!.stop).toBe('failed'));
    expect(undone()).toEqual([]);
    gate.open();

    expect((await workflows.wait(id)).state).toBe('compensated');
    expect(undone()).toEqual(['undo slow', 'undo first']);
  });

  it('is compensated when it is cancelled, and left as it is with compensate: false', async () => {
    const { workflows } = await started(async (job, { signal }) => {
      if (job.payload !== 'slow') return undefined;
      await new Promise((over) => signal.addEventListener('abort', over));
      return JobResult.cancel('asked');
    });
    const flow = workflow('cancelled')
      .step('one', 'work', 'one', undo('one'))
      .step('slow', 'work', 'slow', { after: 'one', ...undo('slow') });
    const [a, b] = [await workflows.start(flow), await workflows.start(flow)];
    for (const { id } of [a, b])
      await eventually(async () => expect((await workflows.find(id))!.steps[1]!.state).toBe('running')); // prettier-ignore

    expect(await workflows.cancel(a.id)).toBe(true);
    expect(await workflows.cancel(b.id, { compensate: false })).toBe(true);
    expect(await workflows.wait(a.id)).toMatchObject({ state: 'compensated', stop: 'cancelled' });
    expect(await workflows.wait(b.id)).toMatchObject({ state: 'cancelled', stop: 'abandoned' });
    expect(undone()).toEqual(['undo one']);
    await expect(workflows.cancel(a.id, { compensate: 1 } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore

    // Another attempt of what was left as it is can still go back.
    expect(await workflows.retry(b.id)).toBe(2);
    await eventually(async () => expect((await workflows.find(b.id))!.steps[1]!.state).toBe('running')); // prettier-ignore
    await workflows.cancel(b.id);
    expect((await workflows.wait(b.id)).state).toBe('compensated');
    expect(undone()).toEqual(['undo one', 'undo one']);
  });

  it('is stuck when a compensation fails, says so everywhere, and goes on from there', async () => {
    let broken = true;
    const { app, workflows, admin } = await started((job) =>
      broken && job.payload === 'undo pay' ? JobResult.unprocessable('bank away') : undefined,
    );
    const options = { uniqueKey: 'o1', keepMs: 60_000 };
    const { id } = await workflows.start(order(), options);
    const stuck = await workflows.wait(id);

    expect(stuck).toMatchObject({ state: 'stuck', uniqueKey: 'o1' });
    expect(stuck.endedAt).toBeUndefined();
    const [reserve, pay] = stuck.steps;
    expect(reserve!.compensation).toMatchObject({ state: 'waiting', jobs: 1, done: 0 });
    expect(pay!.compensation).toMatchObject({ state: 'failed', error: { message: 'bank away' } });
    const jobId = pay!.compensation!.ids[0]!;
    const told = { id, name: 'order', step: 'pay', jobId, error: { message: 'bank away' } };
    await eventually(() => expect(app.seen('workflowStuck')).toMatchObject([told]));
    expect(app.seen('workflowEnded')).toEqual([]);
    const troubles = await admin.troubles();
    expect(troubles).toContainEqual(
      expect.objectContaining({
        code: 'STUCK_WORKFLOWS',
        level: 'warning',
        count: 1,
        look: `npx --no simple-queue workflow ${id}`,
        fix: `npx --no simple-queue workflows retry ${id}`,
      }),
    );
    expect((await admin.explain(reserve!.compensation!.ids[0]!)).text).toContain(
      `It compensates the step "reserve" of workflow ${id}, and runs only if`,
    );
    expect((await workflows.start(order(), options)).created).toBe(false);
    expect(await workflows.cancel(id)).toBe(false);

    broken = false;
    expect(await workflows.retry(id)).toBe(2);
    expect(await workflows.wait(id)).toMatchObject({ state: 'compensated', attempt: 2 });
    expect(undone()).toEqual(['undo pay', 'undo pay', 'undo reserve']);
    expect((await workflows.find(id))!.steps[1]!.compensation!.ids).toEqual([jobId]);
    expect((await admin.troubles()).map(({ code }) => code)).not.toContain('STUCK_WORKFLOWS');
  });

  it('that is stuck goes on with another job where the dead letter is not kept any more', async () => {
    let broken = true;
    const { workflows } = await started((job) =>
      broken && job.payload === 'undo pay' ? JobResult.unprocessable('away') : undefined,
    );
    const { id } = await workflows.start(order());
    const before = (await workflows.wait(id)).steps[1]!.compensation!.ids;
    await story.database.query('delete from simple_queue.dead_letter where id = any($1)', [before]);
    broken = false;
    await workflows.retry(id);
    const found = await workflows.wait(id);
    expect(found.state).toBe('compensated');
    expect(found.steps[1]!.compensation!.ids).not.toEqual(before);
    expect(undone()).toEqual(['undo pay', 'undo pay', 'undo reserve']);
  });

  it('that is stuck is given up by a cancel without compensation, and is not run again', async () => {
    const { workflows } = await started((job) =>
      job.payload === 'undo reserve' ? JobResult.unprocessable('never') : undefined,
    );
    const { id } = await workflows.start(order());
    expect((await workflows.wait(id)).state).toBe('stuck');
    expect(await workflows.cancel(id, { compensate: false })).toBe(true);
    expect(await workflows.wait(id)).toMatchObject({ state: 'cancelled', stop: 'abandoned' });
    await expect(workflows.retry(id)).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' });
  });

  it('is stuck as well when a compensation is cancelled, and stops between two of them', async () => {
    const gate = aGate();
    const { app, workflows } = await started(async (job, { signal }) => {
      if (job.payload !== 'undo pay') return undefined;
      await Promise.race([gate.passed, new Promise((over) => signal.addEventListener('abort', over))]); // prettier-ignore
      return signal.aborted ? JobResult.cancel('asked') : undefined;
    });
    const running = async (id: string) =>
      eventually(async () => {
        const { compensation } = (await workflows.find(id))!.steps[1]!;
        expect(compensation!.state).toBe('running');
        expect((await app.queues.find(compensation!.ids[0]!))?.state).toBe('running');
        return compensation!.ids[0]!;
      });
    const a = await workflows.start(order());
    await app.queues.cancel({ id: await running(a.id) });
    expect((await workflows.wait(a.id)).state).toBe('stuck');

    const b = await workflows.start(order());
    await running(b.id);
    await expect(workflows.retry(b.id)).rejects.toMatchObject({ code: 'WORKFLOW_RUNNING' });
    expect(await workflows.cancel(b.id)).toBe(false);
    expect(await workflows.cancel(b.id, { compensate: false })).toBe(true);
    expect((await workflows.wait(b.id)).state).toBe('cancelled');
    await eventually(() => expect(undone()).toEqual(['undo pay', 'undo pay']));
    gate.open();
  });

  it('has compensations with retries, groups and transactions of their own', async () => {
    const { app, workflows } = await started(async (job, context) => {
      if (job.payload === 'undo pay' && job.attempt < 2) throw new Error('again');
      if (job.payload !== 'undo reserve') return undefined;
      await app.dataSource.transaction((manager) => context.complete({ ok: 1 }, { manager }));
      return undefined;
    });
    const group = { group: 'customer', ordered: true };
    const flow = workflow('grouped')
      .step('reserve', 'work', 'reserve', { compensate: ['work', 'undo reserve', group] })
      .step('pay', 'work', 'pay', {
        after: 'reserve',
        compensate: [
          'work',
          'undo pay',
          { ...group, maxAttempts: 3, backoff: constant({ delayMs: 1 }) },
        ],
      })
      .step('ship', 'work', 'bad', { after: 'pay' });
    const { id } = await app.dataSource.transaction((manager) =>
      workflows.start(flow, { manager }),
    );
    expect((await workflows.wait(id)).state).toBe('compensated');
    expect(undone()).toEqual(['undo pay', 'undo reserve']);
  });

  it('that grows while it runs waits for what was added, and compensates the steps that it was declared with', async () => {
    const parts = ['one', 'two', 'three'].map((name) => step('part', 'work', name));
    const { workflows } = await started((job) =>
      job.payload === 'split' ? JobResult.success({ of: 'split' }, { then: parts }) : undefined,
    );
    const growing = workflow('growing')
      .step('reserve', 'work', 'reserve', undo('reserve'))
      .step('split', 'work', 'split', { after: 'reserve', ...undo('split') })
      .step('ship', 'work', 'bad', { after: 'split' });
    const { id } = await workflows.start(growing);
    expect((await workflows.wait(id)).state).toBe('compensated');
    const [first, second, ...rest] = ran;
    expect([first, second, ...rest.slice(0, 3).toSorted(), ...rest.slice(3)]).toEqual(
      'reserve,split,one,three,two,bad,undo split,undo reserve'.split(','),
    );
  });

  it('whose deadline passes goes back, and what alarms about it runs before', async () => {
    const { workflows } = await started(async (job, { signal }) => {
      if (job.payload !== 'slow') return undefined;
      await new Promise((over) => signal.addEventListener('abort', over));
      return JobResult.cancel('asked');
    });
    const flow = workflow('deadline')
      .step('one', 'work', 'one', undo('one'))
      .step('slow', 'work', 'slow', { after: 'one' });
    const late = await workflows.start(flow, { deadlineMs: '1 h' });
    await eventually(async () => expect((await workflows.find(late.id))!.steps[1]!.state).toBe('running')); // prettier-ignore
    await story.database.query('update simple_queue.workflow set deadline_at = now() where id = $1', [late.id]); // prettier-ignore
    expect(await workflows.wait(late.id)).toMatchObject({ state: 'compensated', stop: 'expired' });
    const alarm = workflow('alarm')
      .step('one', 'work', 'one', undo('one'))
      .step('two', 'work', 'bad', { after: 'one' })
      .step('alert', 'work', 'alert', { after: 'two', when: 'failed', ...undo('alert') });
    const { id } = await workflows.start(alarm);
    expect((await workflows.wait(id)).state).toBe('compensated');
    expect(undone()).toEqual(['undo one', 'undo alert', 'undo one']);
  });
});
