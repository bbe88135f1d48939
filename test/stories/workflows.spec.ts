import { describe, expect, it } from '@jest/globals';
import type { Job } from '../../lib/job/job.js';
import { JobResult } from '../../lib/job/job-result.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import {
  aHandler,
  PATIENT,
  type TestApplication,
  type TestApplicationOptions,
} from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aStory } from '../support/story.js';

const workflowsOf = ({ app }: TestApplication): QueueWorkflows =>
  app.get(QueueWorkflows, { strict: false });

describe('a workflow', () => {
  const story = aStory(PATIENT);
  const ran: string[] = [];

  const started = async (given: TestApplicationOptions = {}) => {
    ran.length = 0;
    const work = aHandler('work', (job: Job) => {
      const { name, fail } = job.payload as { name: string; fail?: boolean };
      ran.push(name);
      return fail ? JobResult.unprocessable('no') : { of: name };
    });
    const app = await story.start({ ...given, providers: [work, ...(given.providers ?? [])] });
    return { app, workflows: workflowsOf(app) };
  };
  const did = (name: string) => ({ name });
  const fails = (name: string) => ({ name, fail: true });

  it('costs one statement more per step of a chain than a job that is no step: no duty looks at it', async () => {
    const { workflows } = await started();
    const steps = 40;
    const flow = workflow('chain');
    for (let n = 0; n < steps; n++)
      flow.step(`s${n}`, 'work', did(`s${n}`), n > 0 ? { after: `s${n - 1}` as never } : {});
    const recorded = recordStatements();
    const { id } = await workflows.start(flow);
    await eventually(() => expect(ran).toHaveLength(steps));
    expect((await workflows.wait(id)).state).toBe('succeeded');
    recorded.stop();

    const counted = (name: string) => recorded.names.filter((each) => each === name).length;
    // A plain job's success leaves with the claim of the next one.
    expect(counted('settle_steps')).toBe(steps);
    expect(counted('settle_and_claim') + counted('settle_keep_and_claim')).toBe(0);
    for (const name of ['take_ends', 'skip_stages', 'take_beginning', 'lock_workflow']) expect([name, counted(name)]).toEqual([name, 0]); // prettier-ignore
  });

  it('runs its steps in the order that they wait for each other', async () => {
    const { workflows } = await started();
    const flow = workflow('signup')
      .step('account', 'work', did('account'))
      .step('mail', 'work', did('mail'), { after: 'account' })
      .each('tile', 'work', [did('t0'), did('t1'), did('t2')], { after: 'account' })
      .step('done', 'work', did('done'), { after: ['mail', 'tile'] });

    const { id } = await workflows.start(flow);
    const found = await workflows.wait(id);

    expect(found.state).toBe('succeeded');
    expect(found.steps.map(({ name, state, done }) => [name, state, done])).toEqual([
      ['account', 'succeeded', 1],
      ['mail', 'succeeded', 1],
      ['tile', 'succeeded', 3],
      ['done', 'succeeded', 1],
    ]);
    expect(ran[0]).toBe('account');
    expect(ran.at(-1)).toBe('done');
    expect(ran).toHaveLength(6);
    const done = found.steps.at(-1)!.ids[0]!;
    expect(await workflows.upstream({ id: done })).toEqual({
      mail: { of: 'mail' },
      tile: [{ of: 't0' }, { of: 't1' }, { of: 't2' }],
    });
  });

  it('skips what can no longer happen, runs what waits for a failure or an end, and has failed', async () => {
    const { workflows } = await started();
    const flow = workflow('tiles')
      .each('tile', 'work', [did('t0'), fails('t1')])
      .step('publish', 'work', did('publish'), { after: 'tile' })
      .step('tell', 'work', did('tell'), { after: 'publish' })
      .step('alert', 'work', did('alert'), { after: 'tile', when: 'failed' })
      .step('clean', 'work', did('clean'), { after: ['tell', 'publish'], when: 'ended' });

    const { id } = await workflows.start(flow);
    const found = await workflows.wait(id);

    expect(found.state).toBe('failed');
    expect(Object.fromEntries(found.steps.map(({ name, state }) => [name, state]))).toEqual({
      tile: 'failed',
      publish: 'skipped',
      tell: 'skipped',
      alert: 'succeeded',
      clean: 'succeeded',
    });
    expect(found.steps[0]).toMatchObject({ failed: 1, error: { message: 'no' } });
    expect(ran.toSorted()).toEqual(['alert', 'clean', 't0', 't1']);
  });

  it('runs again what failed and what was skipped, with the same ids, and not what succeeded', async () => {
    let broken = true;
    const flaky = aHandler('flaky', () => (broken ? JobResult.unprocessable('down') : 'up'));
    const { workflows } = await started({ providers: [flaky] });
    const flow = workflow('again')
      .step('first', 'work', did('first'))
      .step('pay', 'flaky', {}, { after: 'first' })
      .step('ship', 'work', did('ship'), { after: 'pay' })
      .step('alert', 'work', did('alert'), { after: 'pay', when: 'failed' });
    const { id } = await workflows.start(flow);
    const failed = await workflows.wait(id);
    expect(failed.state).toBe('failed');

    broken = false;
    expect(await workflows.retry(id)).toBe(2);
    const found = await workflows.wait(id);

    expect(found).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(found.steps.map(({ name, state }) => [name, state])).toEqual([
      ['first', 'succeeded'],
      ['pay', 'succeeded'],
      ['ship', 'succeeded'],
      ['alert', 'succeeded'],
    ]);
    expect(found.steps.map(({ ids }) => ids)).toEqual(failed.steps.map(({ ids }) => ids));
    expect(ran).toEqual(['first', 'alert', 'ship']);
    await expect(workflows.retry(id)).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' });
  });

  it('stops when it is cancelled: nothing more begins, and what runs is asked to stop', async () => {
    const slow = aHandler('slow', async (_, context) => {
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      return JobResult.cancel('stopped');
    });
    const { app, workflows } = await started({ providers: [slow] });
    const flow = workflow('long')
      .step('slow', 'slow', {})
      .step('next', 'work', did('next'), { after: 'slow' })
      .step('always', 'work', did('always'), { after: 'slow', when: 'ended' });
    const { id } = await workflows.start(flow);
    await eventually(() => expect(app.seen('started')).toHaveLength(1));

    expect(await workflows.cancel(id)).toBe(true);
    const found = await workflows.wait(id);

    expect(found).toMatchObject({ state: 'cancelled', stop: 'cancelled' });
    expect(found.steps.map(({ state }) => state)).toEqual(['cancelled', 'skipped', 'skipped']);
    expect(ran).toEqual([]);
    expect(await workflows.cancel(id)).toBe(false);
  });

  it('exists if and only if the transaction that starts it commits', async () => {
    const { app, workflows } = await started();
    const flow = workflow('in-transaction')
      .step('one', 'work', did('one'))
      .step('two', 'work', did('two'), { after: 'one' });
    let id = '';
    await expect(
      app.dataSource.transaction(async (manager) => {
        ({ id } = await workflows.start(flow, { manager }));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await workflows.find(id)).toBeUndefined();

    ({ id } = await app.dataSource.transaction((manager) => workflows.start(flow, { manager })));
    expect((await workflows.wait(id)).state).toBe('succeeded');
    expect(ran).toEqual(['one', 'two']);
  });
});
