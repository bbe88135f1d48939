import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflow } from '../../lib/workflows/builder.js';
import { Rival } from '../support/storage.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

/** No loop turns here: steps are completed one after another, and the duty hears of them later, of several at once. */
describe('steps of a saga', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const success = (id: string) => ({ id, epoch: 0, runMs: 1, keepMs: undefined, output: '1' });
  const alone = (id: string, added?: string) =>
    test.storage.settlements.completeAlone(
      'w',
      { ...success(id), ...(added ? { added } : {}) },
      {},
    );
  /** As a worker does for a transactional handler, for one that adds jobs, and for all others. */
  const ways = {
    transaction: (id: string) => alone(id),
    adding: (id: string) => alone(id, '[]'),
    settled: (id: string) => test.storage.workflows.settle('w', [success(id)]),
  };
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };

  const undo = (name: string) => ({ compensate: ['work', `undo ${name}`] }) as const;
  const started = async () => {
    const flow = workflow('beside')
      .step('a', 'work', 'a', undo('a'))
      .step('b', 'work', 'b', undo('b'))
      .step('c', 'work', 'c', undo('c'))
      .step('last', 'work', 'last', { after: ['a', 'b', 'c'] });
    const { id } = await workflows.start(flow);
    const { steps } = (await workflows.find(id))!;
    return { id, jobs: Object.fromEntries(steps.map(({ name, ids }) => [name, ids[0]!])) };
  };

  /** Cancels it, and has its compensations succeed; their steps, as they came. */
  const undone = async (id: string) => {
    const { workflows: stored, database } = test.storage;
    await advance();
    await stored.askToStop(database.loops.run, id, 'cancelled');
    const names: string[] = [];
    for (;;) {
      await advance();
      const { state, steps } = (await workflows.find(id))!;
      if (state === 'compensated') return names;
      const next = steps.find(({ compensation }) => compensation?.state === 'running')!;
      names.push(next.name);
      await stored.settle('w', [success(next.compensation!.ids[0]!)]);
    }
  };

  it.each<[string, [string, keyof typeof ways][]]>([
    ['transactions', [['c', 'transaction'], ['b', 'transaction'], ['a', 'transaction']]],
    ['a transaction before a worker', [['c', 'transaction'], ['a', 'settled'], ['b', 'transaction']]],
    ['a worker before a transaction', [['c', 'settled'], ['a', 'transaction'], ['b', 'settled']]],
    ['one that adds jobs', [['c', 'adding'], ['a', 'transaction'], ['b', 'settled']]],
  ])('are undone in reverse of their ends: %s', async (_, ends) => {
    const { id, jobs } = await started();
    for (const [name, way] of ends) await ways[way](jobs[name]!);
    expect(await undone(id)).toEqual(ends.map(([name]) => name).toReversed());
  }); // prettier-ignore

  it('are undone in reverse of their ends, also where a later one is taken up first', async () => {
    const { id, jobs } = await started();
    for (const name of ['b', 'a']) await ways.transaction(jobs[name]!);
    const rival = await Rival.connect(test.database);
    try {
      await rival.begin();
      await rival.query('select from simple_queue.arrival where job = $1 for update', [jobs.b]);
      await advance();
      await rival.rollback();
    } finally {
      await rival.close();
    }
    await ways.settled(jobs.c!);
    expect(await undone(id)).toEqual(['c', 'a', 'b']);
  });

  /** A chain that has gone back by its first compensation, and the end of that one. */
  const goingBack = async (options = {}) => {
    const flow = workflow('back')
      .step('a', 'work', 'a', { compensate: ['work', 'undo a', options] })
      .step('b', 'work', 'b', { after: 'a', compensate: ['work', 'undo b', options] })
      .step('c', 'work', 'c', { after: 'b', compensate: ['work', 'undo c', options] });
    const { id } = await workflows.start(flow);
    for (let n = 0; n < 2; n++) await ways.settled((await workflows.find(id))!.steps[n]!.ids[0]!);
    await workflows.cancel(id);
    await advance();
    const states = async () =>
      (await workflows.find(id))!.steps.map(({ compensation }) => compensation!.state);
    const end = async (how: keyof typeof ways, n: number) =>
      ways[how]((await workflows.find(id))!.steps[n]!.compensation!.ids[0]!);
    return { id, states, end };
  };
  const arrived = async () => {
    const rows = await test.database.query<{ kind: string }>('select kind from simple_queue.arrival'); // prettier-ignore
    return rows.map(({ kind }) => kind);
  };

  it('go back one by one, each in the statement that ends the one before it, without the duty', async () => {
    const { id, states, end } = await goingBack();
    expect(await states()).toEqual(['waiting', 'running', 'unused']);
    await end('settled', 1);
    expect(await states()).toEqual(['running', 'succeeded', 'unused']);
    expect(await arrived()).toEqual([]);
    await end('settled', 0);
    expect(await arrived()).toEqual(['undo']);
    await advance();
    expect((await workflows.find(id))!.state).toBe('compensated');
    expect(await test.database.query('select from simple_queue.undo where not begun')).toEqual([]);
  });

  it.each([
    ['ends in a transaction', {}, 'transaction'],
    ['is followed by one of an ordered group', { group: 'g', ordered: true }, 'settled'],
  ] as const)('go on by the duty where one %s', async (_, options, how) => {
    const { id, states, end } = await goingBack(options);
    await end(how, 1);
    expect(await states()).toEqual(['waiting', how === 'settled' ? 'succeeded' : 'running', 'unused']); // prettier-ignore
    await advance();
    expect(await states()).toEqual(['running', 'succeeded', 'unused']);
    await end(how, 0);
    await advance();
    expect((await workflows.find(id))!.state).toBe('compensated');
  });

  it('go no further where somebody has given the rest up, or is about to', async () => {
    const { id, states, end } = await goingBack();
    await test.storage.workflows.askToStop(test.storage.database.loops.run, id, 'abandoned');
    await end('settled', 1);
    expect(await states()).toEqual(['waiting', 'succeeded', 'unused']);
    await advance();
    expect((await workflows.find(id))!.state).toBe('cancelled');
    expect(await arrived()).toEqual([]);
  });
});
