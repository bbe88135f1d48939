import { randomUUID } from 'node:crypto';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { Dependents } from '../../lib/workflows/dependents.js';
import type { FoundWorkflow } from '../../lib/job/workflow.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { checkPlaces } from '../support/check-places.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const UNKEPT = { queues: { unkept: { archive: false as const } } };
const GROUP = { group: 'g', ordered: true };

/** No call sees them: they close where several calls, turns of a group and workflows meet. No loop turns here. */
describe('a circle of jobs that wait for each other', () => {
  let test: TestStorage;
  let queues: QueueService;
  let workflows: QueueWorkflows;

  beforeAll(async () => {
    test = await aStorage(UNKEPT);
    queues = new QueueService(test.storage, resolveOptions(UNKEPT).options, test.events);
    workflows = new QueueWorkflows(test.storage, test.options, test.events);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) => test.database.query(sql, values);
  const add = async (options: EnqueueOptions = {}, queue = 'work') =>
    (await queues.enqueue(queue, null, options)).id;
  const statesOf = (...ids: string[]) =>
    Promise.all(ids.map(async (id) => (await queues.find(id))?.state));
  const jobOf = (flow: FoundWorkflow, name: string) => flow.steps.find((step) => step.name === name)!.ids[0]!; // prettier-ignore
  /** By a process that has just started: it looks for circles at once. */
  const advance = async () => {
    const advancer = new Advancer(aSite(test, UNKEPT));
    while ((await advancer.round()) === 0);
    await test.storage.groups.handOn();
    while ((await advancer.round()) === 0);
  };
  const settle = async (id: string) => {
    await query('delete from simple_queue.ready where id = $1', [id]);
    await test.storage.workflows.settle('w', [{ id, epoch: 0, runMs: 1, keepMs: 60_000, output: '1' }]); // prettier-ignore
  };
  /** An id that is free again while another one waits for it. */
  const returning = async () => {
    const id = await add({}, 'unkept');
    const dependent = await add({ dependsOn: [id] });
    await queues.cancel({ id });
    return { id, dependent };
  };

  it('of ids that come back in two transactions is refused', async () => {
    const [one, two] = [await returning(), await returning()];
    const refused = { code: 'INVALID_OPTION', message: expect.stringContaining('others wait for it') }; // prettier-ignore
    await test.dataSource.transaction(async (manager) => {
      await expect(queues.enqueue('unkept', null, { manager, id: one.id, dependsOn: [two.dependent] })).rejects.toMatchObject(refused); // prettier-ignore
      await expect(add({ id: two.id, dependsOn: [one.dependent] }, 'unkept')).rejects.toMatchObject(refused); // prettier-ignore
    });
    await advance();
    expect(await statesOf(one.dependent, two.dependent)).toEqual(['expired', 'expired']);
  });

  it('over a workflow that waits for an id that comes back is refused', async () => {
    const id = await add({}, 'unkept');
    const flow = workflow('w').job('d', id).step('m', 'work', 1, { after: 'd' });
    const started = await workflows.start(flow);
    await queues.cancel({ id });
    const last = (await workflows.find(started.id))!.steps[1]!.ids[0]!;
    await expect(add({ id, dependsOn: [last] }, 'unkept')).rejects.toThrow('others wait for it');
  });

  it('over a workflow, and a job that comes back behind its last dependent, ends', async () => {
    const id = await add({ ...GROUP, id: randomUUID() }, 'unkept');
    const flow = workflow('w').job('d', id).step('m', 'work', 1, { after: 'd' });
    const { id: started } = await workflows.start(flow);
    const m = (await workflows.find(started))!.steps[1]!.ids[0]!;
    const head = await add({ ...GROUP, dependsOn: [m] }, 'unkept');
    await queues.cancel({ id });
    await add({ ...GROUP, id }, 'unkept');
    await advance();
    expect(await statesOf(head, id)).toEqual(['expired', 'ready']);
    expect(await workflows.find(started)).toMatchObject({ state: 'running' });
  });

  it.each([
    [
      'a job that waits for a later step',
      async (flow: FoundWorkflow) => add({ dependsOn: [jobOf(flow, 'm')] }),
    ],
    [
      'a compensation of its workflow',
      async (flow: FoundWorkflow) => flow.steps[0]!.compensation!.ids[0]!,
    ],
  ])('over a step that begins behind one of them, and %s, ends', async (_, between) => {
    const flow = workflow('w').step('a', 'work', 1, { compensate: ['undo', 1] }).step('n', 'work', 1, { after: 'a', ...GROUP }).step('m', 'work', 1, { after: 'n' }); // prettier-ignore
    const { id } = await workflows.start(flow);
    const found = (await workflows.find(id))!;
    const middle = await between(found);
    const head = await add({ ...GROUP, dependsOn: [middle] });
    await settle(jobOf(found, 'a'));
    await advance();
    await advance();
    expect(await queues.find(head)).toMatchObject({ state: 'expired', lastError: { code: 'DEPENDENCY_FAILED', message: expect.stringMatching(`Job ${middle}.*waiting for this one itself`) } }); // prettier-ignore
    expect(await statesOf(jobOf(found, 'n'))).toEqual(['ready']);
  });

  it('over a step that begins behind one of them in its ordered group ends', async () => {
    const flow = workflow('w').step('a', 'work', 1).step('n', 'work', 1, { after: 'a', ...GROUP }).step('m', 'work', 1, { after: 'n' }); // prettier-ignore
    const { id } = await workflows.start(flow);
    const [a, n, m] = (await workflows.find(id))!.steps.map(({ ids }) => ids[0]!);
    const head = await add({ ...GROUP, dependsOn: [m!] });
    await settle(a!);
    await advance();
    expect(await statesOf(head, n!)).toEqual(['staged', 'blocked']);
    await advance();
    expect(await statesOf(head, n!)).toEqual(['expired', 'ready']);
  });

  it('over a job that comes back behind one of them in its ordered group ends', async () => {
    const first = await add({ ...GROUP, id: randomUUID() });
    const between = await add({ dependsOn: [first] });
    const head = await add({ ...GROUP, dependsOn: [between] });
    const [ready] = await query('delete from simple_queue.ready returning epoch');
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 60_000, archiveKeepMs: 60_000, onDeadJob: 'skip' } as const; // prettier-ignore
    await test.storage.settlements.bury('w', [
      { id: first, epoch: Number(ready!['epoch']), verdict },
    ]);
    await test.storage.groups.handOn();
    await query('delete from simple_queue.dead_letter');
    await add({ ...GROUP, id: first });
    await advance();
    expect(await statesOf(first, between, head)).toEqual(['ready', 'staged', 'expired']);
  });

  it('is not seen where there is none', async () => {
    const first = await add();
    const { id: flow } = await workflows.start(workflow('w').job('d', first).step('n', 'work', 1, { after: 'd', ...GROUP })); // prettier-ignore
    const n = jobOf((await workflows.find(flow))!, 'n');
    const dependent = await add({ dependsOn: [first] });
    const held = await add({ ...GROUP, dependsOn: [dependent, first] });
    const last = await add({ group: 'other', ordered: true, dependsOn: [n, held] });
    const behind = await add({ group: 'other', ordered: true, dependsOn: [last] });
    await advance();
    expect(await statesOf(dependent, held, last, behind)).toEqual(['staged', 'staged', 'staged', 'staged']); // prettier-ignore
  });

  it('is looked for along ten thousand in a chain', async () => {
    const ids = Array.from({ length: 10_000 }, () => randomUUID());
    const items = ids.map((id, n) => ({
      payload: 0,
      id,
      ...(n > 0 && { dependsOn: [ids[n - 1]!] }),
    }));
    await queues.enqueueMany('work', items);
    const head = await add({ ...GROUP, dependsOn: [ids.at(-1)!] });
    await add(GROUP);
    await advance();
    expect(await statesOf(head)).toEqual(['staged']);
  });

  /** As over a step that begins behind one of them, each in a group of its own. */
  const some = async (count: number): Promise<string[]> => {
    let flow = workflow('w').step('a', 'work', 1);
    for (let n = 0; n < count; n++) {
      flow = flow.step(`n${n}` as 'a', 'work', 1, { after: 'a', group: `c${n}`, ordered: true });
      flow = flow.step(`m${n}` as 'a', 'work', 1, { after: `n${n}` as 'a' });
    }
    const found = (await workflows.find((await workflows.start(flow)).id))!;
    const heads = Array.from({ length: count }, (_, n) => ({ payload: 0, id: randomUUID(), group: `c${n}`, ordered: true, dependsOn: [jobOf(found, `m${n}`)] })); // prettier-ignore
    await queues.enqueueMany('work', heads);
    await settle(jobOf(found, 'a'));
    while ((await test.storage.workflows.stopExpired()).kinds.includes('begin'))
      await new Advancer(aSite(test, UNKEPT)).round();
    return heads.map(({ id }) => id);
  };

  it.each([3, 250])(
    'is opened among thousands of jobs that have others behind them, %i at once, in a look that reads a page of them once',
    async (count) => {
      // Of jobs of other tests.
      await query('delete from simple_queue.arrival');
      const chain = Array.from({ length: 500 }, () => randomUUID());
      await queues.enqueueMany('work', chain.map((id, n) => ({ payload: 0, id, ...(n > 0 && { dependsOn: [chain[n - 1]!] }) }))); // prettier-ignore
      for (let page = 0; page < 6; page++) {
        const held = chain.map((id, n) => ({ payload: 0, group: `${page}-${n}`, ordered: true, dependsOn: [id] })); // prettier-ignore
        await queues.enqueueMany('work', held);
        await queues.enqueueMany('work', held.map(({ group, ordered }) => ({ payload: 0, group, ordered }))); // prettier-ignore
      }
      const heads = await some(count);
      const looks = jest.spyOn(test.storage.staged, 'waits');
      const dependents = new Dependents(aSite(test, UNKEPT));
      do await dependents.round();
      while (dependents.isUnderWay);
      expect(new Set(await statesOf(...heads))).toEqual(new Set(['expired']));
      expect(await query('select count(*)::int as n from simple_queue.staged')).toEqual([{ n: 3_499 }]); // prettier-ignore
      const pages = Math.ceil((3_499 + count) / 1_000);
      expect(looks.mock.calls.length).toBeLessThanOrEqual(pages + Math.ceil(count / 100));
      looks.mockRestore();
    },
  );
});
