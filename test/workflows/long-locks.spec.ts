import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflow } from '../../lib/workflows/builder.js';
import { Rival } from '../support/storage.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

const FAN = 600;

/** No loop turns here: somebody holds a workflow while the duty looks. */
describe('a workflow that somebody holds for long', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;
  let rival: Rival;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
    rival = await Rival.connect(test.database);
  });
  afterAll(async () => {
    await rival.close();
    await test.close();
  });

  const hold = async (id: string) => {
    await rival.begin();
    await rival.query('select from simple_queue.workflow where id = $1 for update', [id]);
  };
  const stateOf = async (id: string) => (await workflows.find(id))!.state;
  const cancelAll = (ids: string[]) =>
    test.storage.cancels.byId(test.storage.database.loops.run, ids, {});
  /** Until nothing moves; how long it rests then. */
  const advance = async (): Promise<number> => {
    let rest = 0;
    for (let rounds = 0; rounds < 20 && rest <= 5; rounds++) rest = await advancer.round();
    return rest;
  };

  it('holds up no end of another one, with more ends than one look takes, and goes on behind that', async () => {
    const flow = (n: number) =>
      workflow('fan')
        .each(
          'a',
          'work',
          Array.from({ length: n }, (_, at) => at),
        )
        .step('b', 'work', 1, { after: 'a' })
        .step('c', 'work', 2, { after: 'b' });
    const { id: held } = await workflows.start(flow(FAN));
    const { id: free } = await workflows.start(flow(1));
    for (const id of [held, free]) {
      const jobs = await test.database.query<{ id: string }>('select id from simple_queue.step where workflow = $1 and stage = 0', [id]); // prettier-ignore
      await cancelAll(jobs.map((row) => row.id));
    }
    await hold(held);
    const rest = await advance();
    expect([await stateOf(held), await stateOf(free)]).toEqual(['running', 'failed']);
    expect(rest).toBeGreaterThan(0);
    expect(rest).toBeLessThanOrEqual(500);
    await rival.commit();
    expect(await advance()).toBe(Infinity);
    expect(await stateOf(held)).toBe('failed');
    expect(await test.database.query('select kind from simple_queue.arrival')).toEqual([]);
  });
});
