import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batch, item } from '../../lib/workflows/batch.js';
import { workflow, type AnyWorkflow } from '../../lib/workflows/builder.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

/** No loop turns here. What runs when the deadline passes is asked to stop, and may succeed all the same. */
describe('what succeeds after the deadline', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[]) => test.database.query(sql, values);
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  const succeed = async (id: string) => {
    await test.storage.workflows.settle('w', [{ id, epoch: 0, runMs: 1, keepMs: undefined, output: '1' }]); // prettier-ignore
    await advance();
  };
  const items = (n: number) => batch(Array.from({ length: n }, () => item('work', 1))).onSuccess('calls', 1).onFailed('calls', 1); // prettier-ignore
  const undo = { compensate: ['undo', 1] } as const;

  it.each<[string, AnyWorkflow, number, string, string[]]>([
    [
      'all of a batch: the callbacks hear of success, its state is that of the deadline',
      items(2),
      2,
      'running',
      ['items succeeded', 'onSuccess running', 'onFailed skipped'],
    ],
    [
      'one of a batch whose others were cancelled',
      items(3),
      2,
      'running',
      ['items cancelled', 'onSuccess skipped', 'onFailed running'],
    ],
    [
      'a step that another one waits for',
      workflow('w').step('a', 'work', 1).step('next', 'work', 2, { after: 'a' }),
      1,
      'failed',
      ['a succeeded', 'next skipped'],
    ],
    [
      'a step that is undone',
      workflow('w').each('a', 'work', [1, 2], undo),
      1,
      'compensating',
      ['a cancelled'],
    ],
  ])('is %s', async (_, flow, late, state, steps) => {
    const { id } = await workflows.start(flow, { deadlineMs: '1 h' });
    const running = (await workflows.find(id))!.steps[0]!.ids.slice(0, late);
    await query('delete from simple_queue.ready where id = any($1)', [running]);
    await query(`insert into simple_queue.claim (id, shard, lease, jobs, epochs) values (gen_random_uuid(), 0, gen_random_uuid(), $1, array_fill(0, array[$2::int]))`, [running, late]); // prettier-ignore
    await query('update simple_queue.workflow set deadline_at = now() where id = $1', [id]);
    await advance();
    expect(await workflows.find(id)).toMatchObject({ state: 'running', stop: 'expired' });
    for (const job of running) await succeed(job);
    const found = (await workflows.find(id))!;
    expect([found.state, ...found.steps.map((step) => `${step.name} ${step.state}`)]).toEqual([state, ...steps]); // prettier-ignore
    await workflows.cancel(id, { compensate: false });
    for (const { ids } of found.steps.slice(1)) for (const job of ids) await succeed(job);
    expect(await query('select kind from simple_queue.arrival where workflow = $1', [id])).toEqual([]); // prettier-ignore
  });
});
