import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Advancer } from '../../lib/workflows/advancer.js';
import { workflow } from '../../lib/workflows/builder.js';
import { eventually } from '../support/eventually.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aSite } from '../support/site.js';
import { Rival, waitingBackends } from '../support/storage.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

/** No loop turns here: the last step ends between the request to stop and the duty that follows it. */
describe('a workflow whose last step ends beside its cancel', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const aFlow = (compensate?: ['work', string]) =>
    workflow('order').step('pay', 'work', 'pay', compensate ? { compensate } : {});
  const started = async (compensate?: ['work', string]) => {
    const { id } = await workflows.start(aFlow(compensate));
    return { id, job: (await workflows.find(id))!.steps[0]!.ids[0]! };
  };
  const succeed = (job: string) =>
    test.storage.workflows.settle('w', [
      { id: job, epoch: 0, runMs: 1, keepMs: undefined, output: '1' },
    ]);
  const ask = (id: string, why: 'cancelled' | 'abandoned' | 'expired') =>
    test.storage.workflows.askToStop(test.storage.database.loops.run, id, why);
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  const arrivals = () => test.database.query('select kind from simple_queue.arrival');

  it('compensates, if it is a saga', async () => {
    const { id, job } = await started(['work', 'undo']);
    await ask(id, 'cancelled');
    await succeed(job);
    expect(await workflows.find(id)).toMatchObject({ state: 'compensating', stop: 'cancelled' });
    await advance();
    const [step] = (await workflows.find(id))!.steps;
    expect(step!.compensation).toMatchObject({ state: 'running' });
    expect(await arrivals()).toEqual([]);
  });

  it('begins a compensation in few statements, and a look at nothing is one', async () => {
    const { id, job } = await started(['work', 'undo']);
    await ask(id, 'cancelled');
    await succeed(job);
    await advance();
    const [undo] = (await workflows.find(id))!.steps[0]!.compensation!.ids;
    await succeed(undo!);
    const sent = recordStatements();
    // A wake-up leaves when it may, and a connection is opened where none is left.
    const names = () => sent.names.filter((name) => /^\w+$/.test(name) && name !== 'notify');
    try {
      await advancer.round();
      expect(names().filter((name) => name === 'begin')).toHaveLength(2);
      expect(names().length).toBeLessThanOrEqual(11);
      sent.names.length = 0;
      expect(await advancer.round()).toBe(Infinity);
      expect(names()).toEqual(['stop_expired']);
    } finally {
      sent.stop();
    }
    expect(await workflows.find(id)).toMatchObject({ state: 'compensated' });
  });

  it.each([
    [['cancelled'], ['work', 'undo'], 'compensating'],
    [['abandoned'], ['work', 'undo'], 'cancelled'],
    [['cancelled', 'abandoned'], ['work', 'undo'], 'cancelled'],
    [['cancelled'], undefined, 'cancelled'],
  ] as const)('asked as %j of %j, is %s', async (asked, compensate, state) => {
    const { id, job } = await started(compensate as ['work', string] | undefined);
    for (const why of asked) await ask(id, why);
    await succeed(job);
    expect(await workflows.find(id)).toMatchObject({ state, stop: asked.at(-1) });
    await advance();
    expect(await workflows.find(id)).toMatchObject({ state, stop: asked.at(-1) });
    expect(await arrivals()).toEqual([]);
  });

  it('says that it was too late, where the end came first and commits while the cancel looks', async () => {
    const { id, job } = await started(['work', 'undo']);
    const before = test.storage.workflows.askToStop.bind(test.storage.workflows);
    test.storage.workflows.askToStop = async (run, asked, why) => {
      const answer = await before(run, asked, why);
      // As if this settle had begun before the request was there to be seen.
      await test.database.query(`delete from simple_queue.arrival where workflow = $1`, [asked]);
      await succeed(job);
      return answer;
    };
    expect(await workflows.cancel(id)).toBe(false);
    test.storage.workflows.askToStop = before;
    expect(await workflows.find(id)).toMatchObject({ state: 'succeeded' });
    expect(await workflows.cancel(id)).toBe(false);
  });

  it('leaves the next attempt alone, which began while the duty that stops it was held up', async () => {
    const { id } = await started();
    await ask(id, 'cancelled');
    const { adding } = test.storage.workflows;
    const before = adding.callbacks.bind(adding);
    adding.callbacks = async (run, workflowId) => {
      adding.callbacks = before;
      const other = new Advancer(aSite(test));
      while ((await other.round()) === 0);
      expect(await workflows.find(id)).toMatchObject({ state: 'cancelled' });
      expect(await workflows.retry(id)).toBe(2);
      return before(run, workflowId);
    };
    await advance();
    const flow = await workflows.find(id);
    expect(flow).toMatchObject({ state: 'running', attempt: 2 });
    const [job] = flow!.steps[0]!.ids;
    expect(await test.storage.jobs.find(job!)).toMatchObject({ state: 'ready' });
  });

  it('is told of a cancel that happened, whatever hinders the look behind it', async () => {
    const { id } = await started();
    const other = await started();
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.workflow where id = $1 for update', [other.id]);
    await test.database.query(`insert into simple_queue.arrival (shard, kind, job, state) values (0, 'end', $1, 'failed')`, [other.job]); // prettier-ignore
    expect(await workflows.cancel(id)).toBe(true);
    await rival.rollback();
    await rival.close();
    await advance();
    expect(await workflows.find(id)).toMatchObject({ state: 'cancelled' });
  });

  it('begins nothing more, where a step succeeds while the transaction of the cancel is open', async () => {
    const { id } = await workflows.start(workflow('two').step('a', 'work', 1).step('b', 'work', 2, { after: 'a' })); // prettier-ignore
    const job = (await workflows.find(id))!.steps[0]!.ids[0]!;
    await test.database.query('delete from simple_queue.ready where id = $1', [job]);
    await test.rows.claim([{ id: job, epoch: 0 }], await test.rows.lease());
    let settled: Promise<unknown> | undefined;
    await test.dataSource.transaction(async (manager) => {
      await workflows.cancel(id, { manager });
      // As a worker does: it waits for a lock for half a second, again and again.
      settled = eventually(() => succeed(job));
      await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    });
    expect(await settled).toMatchObject({ lost: [], lanes: [] });
    // The commit has others look, too.
    await eventually(async () => {
      await advance();
      expect(await arrivals()).toEqual([]);
    });
    expect(await workflows.find(id)).toMatchObject({ state: 'cancelled', steps: [{ state: 'succeeded' }, { state: 'skipped' }] }); // prettier-ignore
  });

  describe.each([
    ['cancelled', {}],
    ['abandoned', { compensate: ['work', 'undo'] as ['work', string] }],
    ['expired', {}],
  ] as const)(
    'and that was %s all the same',
    (why, { compensate }: { compensate?: ['work', string] }) => {
      const stopped = async () => {
        const { id, job } = await started(compensate);
        await ask(id, why);
        await succeed(job);
        await advance();
        expect((await workflows.find(id))!.state).toBe(why === 'expired' ? 'failed' : 'cancelled');
        await test.database.query('update simple_queue.workflow set unique_key = id::text where id = $1', [id]); // prettier-ignore
        return id;
      };

      it('has succeeded with its retry, which says so to others, and leaves its key to others', async () => {
        const id = await stopped();
        const ends: unknown[] = [];
        const off = test.events.on('workflowEnded', (end) => ends.push(end));
        expect(await workflows.retry(id)).toBe(2);
        off();
        expect(ends).toEqual([{ id, name: 'order', state: 'succeeded', attempt: 2 }]);
        const found = (await workflows.find(id))!;
        expect(found).toMatchObject({ state: 'succeeded', attempt: 2, endedAt: expect.any(Date) });
        expect(found.stop).toBeUndefined();
        expect((await workflows.start(aFlow(), { uniqueKey: id })).created).toBe(true);
        await expect(workflows.retry(id)).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' });
      });

      it('is ended by the duty, or by a cancel, should it ever run without anything that may end', async () => {
        for (const isCancelled of [false, true]) {
          const id = await stopped();
          await test.database.query(`update simple_queue.workflow set state = 'running', stop = null, ended_at = null, expires_at = null where id = $1`, [id]); // prettier-ignore
          if (isCancelled) expect(await workflows.cancel(id)).toBe(true);
          else await test.storage.workflows.vanished.endSome();
          await advance();
          expect((await workflows.find(id))!.state).toBe(isCancelled ? (compensate ? 'compensating' : 'cancelled') : 'succeeded'); // prettier-ignore
          expect(await arrivals()).toEqual([]);
        }
      });
    },
  );

  it('is cancelled by a call that says so, while it runs', async () => {
    const { id } = await started();
    expect(await workflows.cancel(id)).toBe(true);
    expect(await workflows.find(id)).toMatchObject({ state: 'cancelled', stop: 'cancelled' });
  });
});
