import { beforeEach, describe, expect, it } from '@jest/globals';
import { constant } from '../../lib/job/backoff.js';
import { step } from '../../lib/job/added-step.js';
import type { JobContext } from '../../lib/job/job-context.js';
import type { Job } from '../../lib/job/job.js';
import { JobResult } from '../../lib/job/job-result.js';
import { batch, item } from '../../lib/workflows/batch.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

interface Asked {
  name: string;
  fail?: boolean;
  then?: { name: string; into?: string; options?: object; fail?: boolean }[];
}

describe('workflows that grow while they run', () => {
  const story = aStory();
  let ran: string[] = [];
  let heal = false;
  let workflows: QueueWorkflows;
  let onRun: (job: Job, context: JobContext) => unknown = () => undefined;

  beforeEach(() => {
    [ran, heal, onRun] = [[], false, () => undefined];
  });

  const answerOf = async (job: Job, context: JobContext) => {
    const { name, fail, then } = job.payload as Asked;
    ran.push(name);
    await onRun(job, context);
    if (fail && !heal) return JobResult.unprocessable('no');
    if (!then) return { of: name };
    const added = then.map(({ into, options, ...payload }) => step(into ?? 'part', 'work', payload, options)); // prettier-ignore
    return JobResult.success({ of: name }, { then: added });
  };
  const start = async () => {
    const options = { backoff: constant({ delayMs: 0 }) };
    const all = (jobs: Job[], context: never) => Promise.all(jobs.map((job) => answerOf(job, context))); // prettier-ignore
    const app = await story.start({
      providers: [
        aHandler('work', answerOf, options),
        aHandler('effects', answerOf, { ...options, transactional: true }),
        aHandler('batches', all as never, { ...options, batch: { size: 5 } }),
      ],
    });
    workflows = app.app.get(QueueWorkflows, { strict: false });
    return app;
  };
  const did = (name: string): Asked => ({ name });
  const endOf = async (flow: Parameters<QueueWorkflows['start']>[0]) =>
    workflows.wait((await workflows.start(flow)).id);
  const statesOf = ({ steps }: Awaited<ReturnType<typeof endOf>>) =>
    Object.fromEntries(steps.map(({ name, state, jobs, failed }) => [name, `${state} ${jobs} ${failed}`])); // prettier-ignore

  it('what a step adds under its own name joins its output, if it is a single one, too', async () => {
    await start();
    const upstream: unknown[] = [];
    onRun = async (job) => {
      if ((job.payload as Asked).name === 'last') upstream.push(await workflows.upstream(job));
    };
    const then = [{ name: 'more', into: 'a' }];
    for (const flow of [workflow('one').step('a', 'work', { name: 'a', then }), workflow('each').each('a', 'work', [{ name: 'a', then }])]) // prettier-ignore
      expect(await endOf(flow.step('last', 'work', did('last'), { after: 'a' }))).toMatchObject({ state: 'succeeded' }); // prettier-ignore
    const both = { a: [{ of: 'a' }, { of: 'more' }] };
    expect(upstream).toEqual([both, both]);
  });

  it('a step that completes in a transaction of its own adds others there', async () => {
    const app = await start();
    const refused: unknown[] = [];
    onRun = async ({ payload }, context) => {
      if ((payload as Asked).name !== 'split') return;
      const added = JobResult.success('done', { then: [step('part', 'work', did('part'))] });
      await app.dataSource.transaction(async (manager) => {
        await context.complete(JobResult.critical('no'), { manager }).catch((error: Error) => refused.push(error)); // prettier-ignore
        await context.complete(added, { manager });
      });
    };
    const flow = workflow('own')
      .step('split', 'work', did('split'))
      .step('last', 'work', did('last'), { after: 'split' });
    expect(await endOf(flow)).toMatchObject({ state: 'succeeded', jobs: 3 });
    expect(ran).toEqual(['split', 'part', 'last']);
    expect(refused).toMatchObject([{ code: 'INVALID_OUTPUT', message: expect.stringContaining('no success (critical)') }]); // prettier-ignore
  });

  it.each(['work', 'effects', 'batches'])(
    'a step of %s adds others with its success, once however often it runs, and who waits for it waits for them',
    async (queue) => {
      await start();
      let first = true;
      onRun = ({ payload }) => {
        if ((payload as Asked).name !== 'split' || !first) return;
        first = false;
        throw new Error('once');
      };
      const then = [
        { name: 'p0' },
        { name: 'p1', options: { group: 'g', ordered: true } },
        { name: 'p2', then: [{ name: 'deep', into: 'deeper' }] },
        { name: 'p3', options: { delayMs: 20 } },
      ];
      const flow = workflow('grows')
        .step('split', queue, { name: 'split', then })
        .step('join', 'work', did('join'), { after: 'split' })
        .step('alert', 'work', did('alert'), { after: 'split', when: 'failed' });
      const found = await endOf(flow);
      expect(statesOf(found)).toEqual({ split: 'succeeded 6 0', join: 'succeeded 1 0', alert: 'skipped 1 0' }); // prettier-ignore
      expect(found).toMatchObject({ state: 'succeeded', jobs: 8 });
      expect(ran.toSorted()).toEqual(['deep', 'join', 'p0', 'p1', 'p2', 'p3', 'split', 'split']);
      expect(ran.at(-1)).toBe('join');
      const join = found.steps[1]!.ids[0]!;
      const parts = await workflows.upstream<never>({ id: join });
      expect(parts).toMatchObject({ split: { of: 'split' }, deeper: [{ of: 'deep' }] });
      expect((parts as unknown as { part: unknown[] }).part).toEqual(['p0', 'p1', 'p2', 'p3'].map((of) => ({ of }))); // prettier-ignore
    },
  );

  it('an added job that fails fails the step, and the retry repeats it alone', async () => {
    await start();
    const flow = workflow('fails')
      .step('split', 'work', {
        name: 'split',
        then: [{ name: 'bad', fail: true }, { name: 'good' }],
      }) // prettier-ignore
      .step('join', 'work', did('join'), { after: 'split' });
    const found = await endOf(flow);
    expect(statesOf(found)).toEqual({ split: 'failed 3 1', join: 'skipped 1 0' });
    heal = true;
    await workflows.retry(found.id);
    const again = await workflows.wait(found.id);
    expect(again).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(ran.toSorted()).toEqual(['bad', 'bad', 'good', 'join', 'split']);
  });

  it('nothing is added to what shall stop, by no step, or of what cannot be stored', async () => {
    const app = await start();
    onRun = ({ workflowId }) => workflows.cancel(workflowId!);
    const stopped = await endOf(workflow('stops').step('split', 'work', { name: 'split', then: [did('never')] })); // prettier-ignore
    expect(stopped).toMatchObject({ state: 'cancelled', jobs: 1 });
    onRun = () => undefined;

    const { id } = await app.queues.enqueue('work', { name: 'lone', then: [did('never')] });
    await untilJobIs('critical', app, id);
    expect((await app.queues.find(id))?.lastError).toMatchObject({ code: 'WORKFLOW_UNKNOWN' });

    for (const [options, code] of [
      [{ uniqueKey: 'k' }, 'INVALID_OPTION'],
      [{ priority: 1e9 }, 'INVALID_OPTION'],
    ] as const) {
      const found = await endOf(workflow('bad').step('split', 'work', { name: 'split', then: [{ name: 'never', options }] })); // prettier-ignore
      expect(found).toMatchObject({ state: 'failed', jobs: 1 });
      expect(found.steps[0]!.error).toMatchObject({ code, message: expect.stringContaining('Step "part"') }); // prettier-ignore
    }
    const then = Array.from({ length: 10_001 }, () => did('never'));
    const found = await endOf(workflow('many').step('split', 'work', { name: 'split', then }));
    expect(found.steps[0]!.error).toMatchObject({ code: 'WORKFLOW_INVALID' });
    expect(ran).not.toContain('never');
    expect(() => JobResult.success(1, { then: [{}] as never })).toThrow('what step(name');
    expect(() => JobResult.success(1, { than: [] } as never)).toThrow('only then is one');
    expect(() => step('no name', 'work', 1)).toThrow('no name');
  });

  it('a batch calls back by what has become of its jobs, and shows how far it is', async () => {
    await start();
    const called = (items: Asked[]) =>
      batch(items.map((each) => item('work', each)))
        .onSuccess('work', did('done'))
        .onFailed('work', did('alert'))
        .onEnd('work', did('report'));
    const states = async (items: Asked[]) => statesOf(await endOf(called(items)));
    expect(await states([did('a'), did('b')])).toEqual({ items: 'succeeded 2 0', onSuccess: 'succeeded 1 0', onFailed: 'skipped 1 0', onEnd: 'succeeded 1 0' }); // prettier-ignore
    expect(await states([did('a'), { name: 'bad', fail: true }])).toEqual({ items: 'failed 2 1', onSuccess: 'skipped 1 0', onFailed: 'succeeded 1 0', onEnd: 'succeeded 1 0' }); // prettier-ignore
    ran = [];
    expect(await states([])).toMatchObject({ items: 'succeeded 0 0', onSuccess: 'succeeded 1 0' });
    expect(ran.toSorted()).toEqual(['done', 'report']);
    await expect((async () => batch(7 as never))()).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' }); // prettier-ignore
    await expect((async () => batch([{}] as never))()).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' }); // prettier-ignore
  });

  it('a batch starts in a transaction, its jobs add to it until its end, and nobody does later', async () => {
    const { dataSource } = await start();
    const flow = batch([item('work', did('first')), item('effects', { name: 'more', then: [{ name: 'then', into: 'items' }] })], 'import').onEnd('work', did('report')); // prettier-ignore
    const back = dataSource.transaction(async (manager) => {
      await workflows.start(flow, { manager });
      throw new Error('back');
    });
    await expect(back).rejects.toThrow('back');
    expect(await workflows.list()).toEqual(expect.not.arrayContaining([expect.objectContaining({ name: 'import' })])); // prettier-ignore
    onRun = async ({ payload, workflowId }) => {
      if ((payload as Asked).name !== 'first') return;
      const steps = [item('work', did('added')), item('work', did('too'))];
      const added = workflows.add(workflowId!, steps);
      steps.length = 0;
      await added;
    };
    const { id } = await dataSource.transaction((manager) => workflows.start(flow, { manager }));
    const found = await workflows.wait(id);
    expect(found).toMatchObject({ name: 'import', state: 'succeeded', jobs: 6 });
    expect(found.steps[0]).toMatchObject({ done: 5, jobs: 5, failed: 0 });
    expect(ran.toSorted()).toEqual(['added', 'first', 'more', 'report', 'then', 'too']);
    expect(ran.at(-1)).toBe('report');
    await expect(workflows.add(id, [item('work', did('late'))])).rejects.toMatchObject({ code: 'WORKFLOW_ENDED' }); // prettier-ignore
    await expect(workflows.add(id.replace(/^../, 'ff'), [item('work', did('late'))])).rejects.toMatchObject({ code: 'WORKFLOW_UNKNOWN' }); // prettier-ignore
    await expect(workflows.add(id, 7 as never)).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' });
    const running = await workflows.start(batch([item('nobody', 1)]).onEnd('work', did('later')));
    await expect(workflows.add(running.id, [step('onEnd', 'work', did('x'))])).rejects.toMatchObject({ code: 'WORKFLOW_ENDED' }); // prettier-ignore
    for (const [name, hint] of [['itmes', ' Did you mean "items"?'], ['elsewhere', '']] as const)
      await expect(workflows.add(running.id, [item('work', 1), step(name, 'work', 1)])).rejects.toMatchObject({ code: 'WORKFLOW_INVALID', message: `Workflow ${running.id} has no step "${name}" to add to.${hint}` }); // prettier-ignore
    expect(await workflows.find(running.id)).toMatchObject({ jobs: 2 });
    await workflows.cancel(running.id);
    expect((await workflows.wait(running.id)).state).toBe('cancelled');
    expect(ran.slice(6)).toEqual(['later']);
  });

  it('twenty calls at once add no more than a workflow may have, and each all of its own or nothing', async () => {
    const FREE = 11;
    await start();
    const { id } = await workflows.start(batch([item('nobody', 1)]));
    await story.database.query('update simple_queue.workflow set jobs = $2 where id = $1', [
      id,
      20_000 - FREE,
    ]);
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, () => workflows.add(id, [item('nobody', 2), item('nobody', 3)])),
    );
    const added = answers.filter(({ status }) => status === 'fulfilled').length;
    expect(added).toBe(Math.floor(FREE / 2));
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'WORKFLOW_INVALID' }); // prettier-ignore
    const rows = await story.database.query('select from simple_queue.job');
    expect(rows).toHaveLength(1 + 2 * added);
    await workflows.cancel(id);
    expect((await workflows.wait(id)).state).toBe('cancelled');
  });

  const callbacks = (draft: ReturnType<typeof batch>, options: object = {}) =>
    draft
      .onSuccess('work', did('done'), options)
      .onFailed('work', did('alert'), options)
      .onEnd('work', did('report'), options);
  it('a batch that stops calls back by its end, once: while one job has ended, one runs and one waits', async () => {
    await start();
    const cases = [
      ['cancelled', 'cancelled', ['report']],
      ['late', 'failed', ['alert', 'report']],
      ['failing', 'failed', ['alert', 'report']],
      ['given up', 'cancelled', []],
    ] as const;
    const grouped = { group: 'g', ordered: true };
    for (const [what, state, called] of cases)
      for (const options of [{}, grouped]) {
        ran = [];
        const runs = aGate();
        onRun = async ({ payload }, { signal }) => {
          if ((payload as Asked).name === 'bad') await runs.passed;
          if ((payload as Asked).name !== 'runs') return;
          runs.open();
          await new Promise((over) => signal.addEventListener('abort', over));
          throw new Error('stopped');
        };
        const items = [item('work', did('good')), item('work', did('runs')), item('nobody', 1)];
        if (what === 'failing') items.push(item('work', { name: 'bad', fail: true }));
        const { id } = await workflows.start(callbacks(batch(items), options), { deadlineMs: '1 h', onFailure: what === 'failing' ? 'cancel' : 'finish' }); // prettier-ignore
        await runs.passed;
        if (what === 'late') await story.database.query('update simple_queue.workflow set deadline_at = now() where id = $1', [id]); // prettier-ignore
        if (state === 'cancelled') await workflows.cancel(id, { compensate: what === 'cancelled' });
        // Any of them turns the duty, which sees the deadline.
        else await workflows.cancel((await workflows.start(batch([item('nobody', 1)]))).id);
        expect((await workflows.wait(id)).state).toBe(state);
        const calls = ran.filter((name) => ['done', 'alert', 'report'].includes(name));
        expect([what, calls.toSorted()]).toEqual([what, called]);
      }
    await eventually(async () =>
      expect(await story.database.query('select kind from simple_queue.arrival')).toEqual([]),
    );
  });

  it('a batch that is cancelled while a callback runs lets it end, and another attempt calls back again', async () => {
    await start();
    const [calling, cancelled] = [aGate(), aGate()];
    onRun = async ({ payload }) => {
      if ((payload as Asked).name !== 'report') return;
      calling.open();
      await cancelled.passed;
    };
    const { id } = await workflows.start(callbacks(batch([item('work', did('good'))])));
    await calling.passed;
    expect(await workflows.cancel(id)).toBe(true);
    cancelled.open();
    const found = await workflows.wait(id);
    expect(found).toMatchObject({ state: 'cancelled' });
    expect(statesOf(found)).toMatchObject({ items: 'succeeded 1 0', onEnd: 'succeeded 1 0' });
    await workflows.retry(id);
    expect(await workflows.wait(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(ran.filter((name) => name === 'report')).toHaveLength(2);
  });

  it('a batch that is retried calls back once per attempt', async () => {
    await start();
    const flow = batch([item('work', { name: 'bad', fail: true }), item('work', did('good'))])
      .onSuccess('work', did('done'))
      .onFailed('work', did('alert'))
      .onEnd('work', did('report'));
    const { id } = await endOf(flow);
    expect(ran.toSorted()).toEqual(['alert', 'bad', 'good', 'report']);
    await workflows.retry(id);
    await workflows.wait(id);
    expect(ran.toSorted()).toEqual(['alert', 'alert', 'bad', 'bad', 'good', 'report', 'report']);
    heal = true;
    await workflows.retry(id);
    expect(await workflows.wait(id)).toMatchObject({ state: 'succeeded', attempt: 3 });
    expect(ran.filter((name) => name === 'report')).toHaveLength(3);
    expect(ran.filter((name) => name === 'alert')).toHaveLength(2);
    expect(ran.filter((name) => name === 'done')).toHaveLength(1);
  });
});
