import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { batch, item } from '../../lib/workflows/batch.js';
import { workflow } from '../../lib/workflows/builder.js';
import type { FoundStep } from '../../lib/job/workflow.js';
import { checkPlaces } from '../support/check-places.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

/** What somebody may name in `dependsOn`, and what becomes of the job then: refused, or its state once the duty has looked, and once what it waits for went on. */
interface Row {
  /** The id, at the moment of the call. */
  of: () => Promise<string>;
  refused?: string;
  is?: string;
  then?: (id: string) => Promise<unknown>;
  becomes?: string;
  because?: string;
}

const GONE = '00000000-0000-4000-8000-00000000000';

describe('dependsOn', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;
  let queues: QueueService;
  let rolledBack: () => Promise<string>;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
    queues = new QueueService(test.storage, resolveOptions({}).options, test.events);
    rolledBack = () => undone((manager) => queues.enqueue('work', 1, { manager }));
    // As its worker says it.
    await queues.enqueue('unkept', 0);
    await query(`update simple_queue.queue set policy = '{"archive": null, "deadLetter": 60000, "onDeadJob": "skip", "maxStalls": 1}' where name = 'unkept'`); // prettier-ignore
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) => test.database.query(sql, values);
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  const add = async (queue = 'work', options = {}) => (await queues.enqueue(queue, 1, options)).id;
  const succeed = async (id: string, keepMs: number | undefined = 60_000) => {
    await query('delete from simple_queue.ready where id = $1', [id]);
    await test.storage.workflows.settle('w', [{ id, epoch: 0, runMs: 1, keepMs, output: '1' }]);
    await advance();
  };
  const undone = async (work: (manager: EntityManager) => Promise<{ id: string }>) => {
    let id = '';
    const over = test.dataSource.transaction(async (manager) => {
      ({ id } = await work(manager));
      throw new Error('undone');
    });
    await expect(over).rejects.toThrow('undone');
    return id;
  };
  const step = async (flow: string, name: string): Promise<FoundStep> =>
    (await workflows.find(flow))!.steps.find((each) => each.name === name)!;
  const start = async (flow: Parameters<WorkflowRig['workflows']['start']>[0]) =>
    (await workflows.start(flow)).id;

  const chain = () => workflow('w').step('a', 'work', 1).step('b', 'unkept', 2, { after: 'a' });
  const branched = () => chain().step('c', 'work', 3, { after: 'a', when: 'failed' });
  const saga = () => workflow('w').step('a', 'work', 1, { compensate: ['undo', 1] }).step('b', 'work', 2, { after: 'a' }); // prettier-ignore
  const flowOf = async (job: string) =>
    String((await query('select workflow from simple_queue.step where id = $1', [job]))[0]!['workflow']); // prettier-ignore
  const jobOf = async (flow: string, name: string) => (await step(flow, name)).ids[0]!;
  const endAll = async (flow: string) => {
    for (const name of ['a', 'b']) await succeed(await jobOf(flow, name));
  };
  /** The compensation of step a. */
  const undoing = async (flow: string) => (await step(flow, 'a')).compensation!.ids[0]!;

  const ROWS: Record<string, Row> = {
    'a step that has not begun': {
      of: async () => jobOf(await start(chain()), 'b'),
      is: 'staged',
      then: async (id) => endAll(await flowOf(id)),
      becomes: 'ready',
    },
    'a step that has succeeded, in a queue that keeps nothing': {
      of: async () => {
        const flow = await start(chain());
        await succeed(await jobOf(flow, 'a'));
        await succeed(await jobOf(flow, 'b'), undefined);
        return jobOf(flow, 'b');
      },
      is: 'ready',
    },
    'a step that was skipped': {
      of: async () => {
        const flow = await start(branched());
        await succeed(await jobOf(flow, 'a'));
        return jobOf(flow, 'c');
      },
      is: 'expired',
      because: 'skipped',
    },
    'a step that is skipped later': {
      of: async () => jobOf(await start(branched()), 'c'),
      is: 'staged',
      then: async (id) => succeed(await jobOf(await flowOf(id), 'a')),
      becomes: 'expired',
      because: 'skipped',
    },
    'a step of a workflow that is cancelled': {
      of: async () => jobOf(await start(chain()), 'b'),
      is: 'staged',
      then: async (id) => workflows.cancel(await flowOf(id)),
      becomes: 'expired',
      because: 'skipped',
    },
    'a step that was compensated: it had succeeded': {
      of: async () => {
        const flow = await start(saga());
        await succeed(await jobOf(flow, 'a'));
        await workflows.cancel(flow);
        await succeed(await undoing(flow));
        expect(await workflows.find(flow)).toMatchObject({ state: 'compensated' });
        return jobOf(flow, 'a');
      },
      is: 'ready',
    },
    'a step that is the job of others (.job)': {
      of: async () => jobOf(await start(workflow('w').job('other', await add())), 'other'),
      is: 'staged',
      then: (id) => succeed(id),
      becomes: 'ready',
    },
    'a job that a step has added': {
      of: async () => {
        const flow = await start(batch([item('work', 1)]));
        await workflows.add(flow, [item('work', 2)]);
        return (await step(flow, 'items')).ids[1]!;
      },
      is: 'staged',
      then: (id) => succeed(id),
      becomes: 'ready',
    },
    'a whole workflow': { of: () => start(chain()), refused: 'is a workflow or batch' },
    'a batch': { of: () => start(batch([item('work', 1)])), refused: 'is a workflow or batch' },
    'a callback of a batch': {
      of: async () => jobOf(await start(batch([item('work', 1)]).onEnd('work', 2)), 'onEnd'),
      is: 'staged',
      then: async (id) => {
        await succeed(await jobOf(await flowOf(id), 'items'));
        await succeed(id);
      },
      becomes: 'ready',
    },
    'a compensation that begins': {
      of: async () => {
        const flow = await start(saga());
        await succeed(await jobOf(flow, 'a'));
        return undoing(flow);
      },
      is: 'staged',
      then: async (id) => {
        await workflows.cancel(await flowOf(id));
        await succeed(id);
      },
      becomes: 'ready',
    },
    'a compensation that is not needed': {
      of: async () => undoing(await start(saga())),
      is: 'staged',
      then: async (id) => endAll(await flowOf(id)),
      becomes: 'expired',
      because: 'a compensation that was not needed',
    },
    'a compensation of a workflow that has ended without it': {
      of: async () => {
        const flow = await start(saga());
        await endAll(flow);
        return undoing(flow);
      },
      refused: 'is a compensation that was not needed',
    },
    'a compensation that somebody gave up': {
      of: async () => {
        const flow = await start(saga());
        await succeed(await jobOf(flow, 'a'));
        return undoing(flow);
      },
      is: 'staged',
      then: async (id) => workflows.cancel(await flowOf(id), { compensate: false }),
      becomes: 'expired',
      because: 'a compensation that was not needed',
    },
    'a job of a queue that keeps nothing': { of: () => add('unkept'), refused: 'forgets' },
    'a job that was cancelled in a queue that keeps nothing': {
      of: async () => {
        const id = await add('unkept');
        await queues.cancel({ id });
        return id;
      },
      refused: 'unknown',
    },
    'a staged job that is aborted': {
      of: () => add('work', { staged: true }),
      is: 'staged',
      then: (id) => queues.abort(id),
      becomes: 'expired',
      because: 'cancelled',
    },
    'an id that comes back': {
      of: () => add('work', { id: `${GONE}1` }),
      is: 'staged',
      then: async (id) => {
        await queues.cancel({ id });
        await query('delete from simple_queue.archive');
        await add('work', { id });
      },
      becomes: 'staged',
    },
    'an id of a transaction that was rolled back': { of: () => rolledBack(), refused: 'unknown' },
    'an id that nobody knows': { of: () => Promise.resolve(`${GONE}2`), refused: 'unknown' },
  };

  it.each(Object.entries(ROWS))('on %s', async (_, { of, refused, is, then, becomes, because }) => {
    const on = await of();
    const call = queues.enqueue('after', 1, { dependsOn: [on] });
    if (refused) {
      const error = { code: 'DEPENDENCY_UNKNOWN', message: expect.stringContaining(`${on} is `) };
      await expect(call).rejects.toMatchObject(error);
      await expect(call).rejects.toThrow(refused);
      return;
    }
    const { id } = await call;
    const look = async () => {
      await advance();
      return queues.find(id);
    };
    expect(await look()).toMatchObject({ state: is });
    await then?.(on);
    const error = because && { code: 'DEPENDENCY_FAILED', message: expect.stringContaining(`it is ${because}.`) }; // prettier-ignore
    expect(await look()).toMatchObject({
      state: becomes ?? is,
      ...(error && { lastError: error }),
    });
  });

  it('on an item of its own call in a queue that keeps nothing is refused', async () => {
    const items = [
      { payload: 1, id: `${GONE}3` },
      { payload: 2, dependsOn: [`${GONE}3`] },
    ];
    await expect(queues.enqueueMany('unkept', items)).rejects.toMatchObject({ code: 'DEPENDENCY_UNKNOWN', message: expect.stringContaining('forgets') }); // prettier-ignore
  });

  it('on what a savepoint of its transaction has rolled back is refused, and the transaction goes on', async () => {
    const id = await test.dataSource.transaction(async (manager) => {
      const { id: gone } = await manager.transaction(async (inner) => {
        const job = await queues.enqueue('work', 1, { manager: inner });
        await inner.query('select 1');
        throw Object.assign(new Error('undone'), { job });
      }).catch(({ job }: { job: { id: string } }) => job); // prettier-ignore
      await expect(queues.enqueue('after', 1, { manager, dependsOn: [gone] })).rejects.toThrow('unknown'); // prettier-ignore
      return (await queues.enqueue('after', 2, { manager })).id;
    });
    expect(await queues.find(id)).toMatchObject({ state: 'ready' });
  });
});
