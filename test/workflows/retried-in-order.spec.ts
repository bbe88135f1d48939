import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batch, item } from '../../lib/workflows/batch.js';
import { workflow, type AnyWorkflow } from '../../lib/workflows/builder.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

type End = 'succeeded' | 'failed' | 'cancelled';

/** No loop turns here: each end is one of this test. */
describe('another attempt of a workflow', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const idsOf = async (id: string, step: string): Promise<string[]> =>
    (await workflows.find(id))!.steps.find(({ name }) => name === step)!.ids;
  const liveIn = async (ids: string[]) =>
    test.database.query<{ id: string; epoch: number }>('select id, epoch from simple_queue.job where id = any($1)', [ids]); // prettier-ignore
  const live = async (id: string): Promise<string[]> => {
    const { steps } = (await workflows.find(id))!;
    const found = await Promise.all(steps.map(async ({ name, ids }) => [name, (await liveIn(ids)).length] as const)); // prettier-ignore
    return found.flatMap(([name, n]) => Array.from({ length: n }, () => name));
  };
  const states = async (id: string) =>
    Object.fromEntries((await workflows.find(id))!.steps.map(({ name, state }) => [name, state]));
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  /** What fails is a dead letter, as of any worker. */
  async function end(id: string, step: string, how: End, which = 0): Promise<void> {
    const job = (await idsOf(id, step))[which]!;
    const { epoch } = (await liveIn([job]))[0]!;
    if (how === 'succeeded')
      await test.storage.workflows.settle('w', [{ id: job, epoch, runMs: 1, keepMs: undefined, output: '1' }]); // prettier-ignore
    else {
      await test.storage.cancels.byId(test.storage.database.loops.run, [job], { '': 60_000 });
      if (how === 'failed') {
        await test.database.query(`update simple_queue.arrival set state = 'failed' where kind = 'end' and job = $1`, [job]); // prettier-ignore
        await test.database.query(
          `with moved as (delete from simple_queue.archive where id = $1 returning *)
          insert into simple_queue.dead_letter
          select (jsonb_populate_record(null::simple_queue.dead_letter, to_jsonb(m) || '{"state": "failed"}')).* from moved m`,
          [job],
        );
      }
    }
    await advance();
  }
  const started = async (flow: AnyWorkflow) => {
    const { id } = await workflows.start(flow);
    await advance();
    return id;
  };
  const deadLetters = async () => (await test.database.query('select id from simple_queue.dead_letter')).length; // prettier-ignore
  const after = (when: 'ended' | 'failed') => ({ after: 'x', when }) as const;

  describe.each(['failed', 'cancelled'] as const)('of which x, y and z have %s', (how) => {
    const failedAll = async () => {
      const flow = workflow('w')
        .step('x', 'work', 1)
        .step('y', 'work', 2, after('ended'))
        .step('z', 'work', 3, after('failed'))
        .step('last', 'work', 4, { after: ['y', 'z'], when: 'ended' });
      const id = await started(flow);
      for (const step of ['x', 'y', 'z', 'last']) await end(id, step, how);
      expect(await workflows.find(id)).toMatchObject({ state: 'failed' });
      await workflows.retry(id);
      return id;
    };

    it('runs x alone, then y behind it, and skips the alarm where x succeeds', async () => {
      const id = await failedAll();
      expect(await live(id)).toEqual(['x']);
      expect(await workflows.find(id)).toMatchObject({ steps: [{ state: 'running' }, { state: 'waiting', waitsFor: ['x'], done: 0, failed: 0 }, { waitsFor: ['x'] }, { waitsFor: ['y', 'z'] }] }); // prettier-ignore
      expect(await deadLetters()).toBe(0);

      await end(id, 'x', 'succeeded');
      expect(await live(id)).toEqual(['y']);
      await end(id, 'y', 'succeeded');
      await end(id, 'last', 'succeeded');
      expect(await states(id)).toEqual({ x: 'succeeded', y: 'succeeded', z: 'skipped', last: 'succeeded' }); // prettier-ignore
      expect(await workflows.find(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    });

    it('raises the alarm again where x fails again, and again in the attempt after that', async () => {
      const id = await failedAll();
      await end(id, 'x', 'failed');
      expect(await live(id)).toEqual(['y', 'z']);
      await end(id, 'y', 'succeeded');
      await end(id, 'z', 'failed');
      await end(id, 'last', 'succeeded');

      await workflows.retry(id);
      expect(await live(id)).toEqual(['x']);
      await end(id, 'x', how);
      expect(await live(id)).toEqual(['z']);
      await end(id, 'z', 'succeeded');
      expect(await workflows.find(id)).toMatchObject({ state: 'failed', attempt: 3 });

      await workflows.retry(id);
      await end(id, 'x', 'succeeded');
      expect(await workflows.find(id)).toMatchObject({ state: 'succeeded', attempt: 4 });
      expect(await deadLetters()).toBe(0);
    });
  });

  it('waits behind a step that waits again itself, and where another upstream has succeeded', async () => {
    const flow = workflow('w')
      .step('a', 'work', 1)
      .step('good', 'work', 1)
      .step('b', 'work', 2, { after: 'a' })
      .step('c', 'work', 3, { after: ['b', 'good'], when: 'ended' })
      .step('d', 'work', 4, { after: 'good', when: 'ended' });
    const id = await started(flow);
    await end(id, 'a', 'failed');
    await end(id, 'good', 'succeeded');
    await end(id, 'c', 'failed');
    const [d] = await idsOf(id, 'd');
    await end(id, 'd', 'failed');

    await workflows.retry(id);
    // What waited for nothing but a success runs at once, and is the same job.
    expect(await live(id)).toEqual(['a', 'd']);
    expect(await idsOf(id, 'd')).toEqual([d]);
    await end(id, 'a', 'succeeded');
    expect(await live(id)).toEqual(['b', 'd']);
    await end(id, 'b', 'succeeded');
    for (const step of ['c', 'd']) await end(id, step, 'succeeded');
    expect(await workflows.find(id)).toMatchObject({ state: 'succeeded' });
  });

  it.each([false, true])(
    'makes of a step that waits again only what failed of it (ordered: %s)',
    async (ordered) => {
      const options = ordered ? { group: 'g', ordered } : {};
      const flow = workflow('w')
        .step('x', 'work', 1)
        .each('many', 'work', [1, 2, 3], { ...after('ended'), ...options });
      const id = await started(flow);
      await end(id, 'x', 'failed');
      const before = await idsOf(id, 'many');
      await end(id, 'many', 'succeeded', 0);
      await end(id, 'many', 'cancelled', 1);
      await end(id, 'many', 'succeeded', 2);

      await workflows.retry(id);
      expect(await live(id)).toEqual(['x']);
      // It is stopped before it has begun, and once more where it waits.
      await workflows.cancel(id);
      await advance();
      expect(await states(id)).toEqual({ x: 'cancelled', many: 'skipped' });
      await workflows.retry(id);
      await end(id, 'x', 'succeeded');
      expect(await live(id)).toEqual(['many']);
      const ids = await idsOf(id, 'many');
      expect([ids[0], ids[2]]).toEqual([before[0], before[2]]);
      await end(id, 'many', 'succeeded', 1);
      expect(await workflows.find(id)).toMatchObject({ state: 'succeeded', attempt: 3 });
    },
  );

  it('leaves what lives again already to its step', async () => {
    const id = await started(workflow('w').step('x', 'work', 1).step('y', 'work', 2, after('ended'))); // prettier-ignore
    await end(id, 'x', 'failed');
    const [y] = await idsOf(id, 'y');
    await end(id, 'y', 'failed');
    await test.storage.revivals.revive([y!], ['failed']);
    await workflows.retry(id);
    expect(await live(id)).toEqual(['x', 'y']);
    expect(await idsOf(id, 'y')).toEqual([y]);
    for (const step of ['x', 'y']) await end(id, step, 'succeeded');
    expect(await workflows.find(id)).toMatchObject({ state: 'succeeded' });
  });

  it.each(['retried', 'retried, and succeeds'])(
    'hears nothing of an end that came between two of its attempts: %s',
    async (how) => {
      const id = await started(
        workflow('w').step('x', 'work', 1).step('y', 'work', 2, { after: 'x' }),
      );
      await end(id, 'x', 'cancelled');
      const ids = await idsOf(id, 'x');
      await test.storage.revivals.revive(ids, ['cancelled']);
      await test.storage.cancels.byId(test.storage.database.loops.run, ids, { '': 60_000 });
      await workflows.retry(id);
      if (how === 'retried') await advance();
      expect(await states(id)).toEqual({ x: 'running', y: 'waiting' });
      await end(id, 'x', 'succeeded');
      expect(await live(id)).toEqual(['y']);
    },
  );

  it('leaves no dead letter of a callback that waits again: a redrive would call it beside its batch', async () => {
    const id = await started(batch([item('work', 1)]).onEnd('work', 2));
    await end(id, 'items', 'failed');
    await end(id, 'onEnd', 'failed');
    await workflows.retry(id);
    expect(await deadLetters()).toBe(0);
    expect(await live(id)).toEqual(['items']);
    await end(id, 'items', 'succeeded');
    await end(id, 'onEnd', 'succeeded');
    expect(await workflows.find(id)).toMatchObject({ state: 'succeeded' });
  });
});
