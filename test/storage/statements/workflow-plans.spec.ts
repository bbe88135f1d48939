import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { StagedRepository } from '../../../lib/storage/staged/staged.repository.js';
import { VanishedRepository } from '../../../lib/storage/workflows/vanished.repository.js';
import { WorkflowRepository } from '../../../lib/storage/workflows/workflow.repository.js';
import { QueueService } from '../../../lib/queue.service.js';
import { workflow } from '../../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../../lib/workflows/queue-workflows.js';
import { explaining, withoutAutovacuum } from '../../support/plans.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const FAN = 10_000;
const MANY = 500;
/** Pages of a step that ends: its job and its step, each with indexes of three levels; each counted anew by every part that waits for it. Of a job that begins: draft, job, place. */
const BLOCKS_A_JOB = 250;
const BLOCKS = 500;
const STEPS = 1_000;
/** Of its stage, the one before it and its job: an index of three levels each. */
const BLOCKS_A_STEP = 20;
/** Jobs in one look at those that depend on others. */
const PAGE = 100;
const LARGE = ['job', 'step', 'draft', 'ready'];

/** Ends of steps where PostgreSQL takes the tables for small: they cost what ends and what begins, not what the workflow has. */
describe('plans of workflows of 20,000 jobs', () => {
  let test: TestStorage;
  let ids: string[];

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    await withoutAutovacuum(test.database);
    const payloads = Array.from({ length: FAN - 1 }, (_, n) => n);
    const flow = workflow('wide')
      .each('part', 'work', payloads)
      .step('joined', 'work', 1, { after: 'part' })
      .each('rest', 'work', payloads, { after: 'joined' });
    const workflows = new QueueWorkflows(test.storage, resolveOptions({}).options, test.events);
    await workflows.start(flow);
    ids = (await test.database.query<{ id: string }>('select id from simple_queue.job order by id')).map(({ id }) => id); // prettier-ignore
  });
  afterAll(() => test.close());

  it('ends of steps read their own rows, and those of what begins with them', async () => {
    const { database, costs } = explaining(test.storage.database);
    const repository = new WorkflowRepository(database, test.storage.lanes);
    const settle = (some: string[]) =>
      repository.settle('worker', some.map((id) => ({ id, epoch: 0, runMs: 1, keepMs: undefined, output: '1' }))); // prettier-ignore
    const counts: [ended: number, begun: number][] = [];
    const next = async (ended: number, begun: number) => {
      counts.push([ended, begun]);
      expect((await settle(ids.splice(0, ended))).lost).toEqual([]);
    };
    await next(1, 0);
    await next(MANY, 0);
    while (ids.length > MANY) await next(MANY, 0);
    await next(ids.length, 1);
    ids = (await test.database.query<{ id: string }>('select id from simple_queue.job')).map(({ id }) => id); // prettier-ignore
    expect(ids).toHaveLength(1);
    await next(1, FAN - 1);

    expect(costs.filter(({ walked }) => walked.some((table) => LARGE.includes(table)))).toEqual([]);
    const dear = costs.map(({ blocks }, n) => [...counts[n]!, blocks]).filter(([ended, begun, blocks]) => blocks! > BLOCKS + BLOCKS_A_JOB * (ended! + begun!)); // prettier-ignore
    expect(dear).toEqual([]);
    expect(costs.reduce((sum, { removed }) => sum + removed, 0)).toBeLessThan(7 * FAN);
  });

  const long = (options: (n: number) => object) => {
    let flow = workflow('long').step('s0', 'work', 0);
    for (let n = 1; n < STEPS; n++) flow = flow.step(`s${n}` as never, 'work', n, options(n));
    return new QueueWorkflows(test.storage, resolveOptions({}).options, test.events).start(flow);
  };
  const chained = (n: number) => (n > 0 ? { after: `s${n - 1}` as never } : {});

  it('a chain that is skipped is read once, not by each of its steps', async () => {
    const { id } = await long(chained);
    await test.database.query(`insert into simple_queue.arrival (shard, kind, workflow, stage) values (0, 'skip', $1, 1)`, [id]); // prettier-ignore
    const { database, costs } = explaining(test.storage.database);
    const repository = new WorkflowRepository(database, test.storage.lanes);
    let rounds = 0;
    while ((await repository.arrivals.take()).moved.length > 0) rounds++;

    expect(rounds).toBeLessThan(5);
    expect(costs.filter(({ walked }) => walked.some((table) => LARGE.includes(table)))).toEqual([]);
    expect(costs.reduce((sum, { blocks }) => sum + blocks, 0)).toBeLessThan(BLOCKS_A_JOB * STEPS); // prettier-ignore
    expect(costs.reduce((sum, { removed }) => sum + removed, 0)).toBeLessThan(5 * STEPS);
  });

  it('a look at jobs that depend on others reads one page of them', async () => {
    const first = randomUUID();
    const jobs = Array.from({ length: 2 * STEPS }, () => ({ payload: 1, dependsOn: [first] }));
    await new QueueService(test.storage, test.options, test.events).enqueueMany('work', [{ payload: 0, id: first }, ...jobs]); // prettier-ignore
    const { run, costs } = explaining(test.storage.database);

    expect(await test.storage.staged.takeDependents(run, '0')).toMatchObject({ decided: [], last: expect.any(String) }); // prettier-ignore
    expect(costs[0]!.walked.filter((table) => LARGE.includes(table))).toEqual([]);
    expect(costs[0]!.removed).toBeLessThan(2 * PAGE * PAGE);
    expect(costs[0]!.blocks).toBeLessThan(BLOCKS_A_JOB * PAGE);
  });

  it('a look for jobs that wait for themselves reads each job twice, whoever waits for it', async () => {
    const chain = Array.from({ length: STEPS }, () => randomUUID());
    const queues = new QueueService(test.storage, test.options, test.events);
    await queues.enqueueMany('work', chain.map((id, n) => ({ payload: 1, id, ...(n > 0 && { dependsOn: [chain[n - 1]!] }) }))); // prettier-ignore
    const held = chain.map((id) => ({ payload: 1, group: id, ordered: true, dependsOn: [id] }));
    await queues.enqueueMany('work', held);
    await queues.enqueueMany('work', held.map(({ group }) => ({ payload: 1, group, ordered: true }))); // prettier-ignore
    const { database, costs } = explaining(test.storage.database);
    const staged = new StagedRepository(database);

    const [first] = await test.database.query<{ id: string }>(`select max(id) - 1000 as id from simple_queue.arrival where kind = 'depend'`); // prettier-ignore
    const { waits } = await staged.waits(first!.id, STEPS);
    expect(waits).toHaveLength(2 * STEPS - 1);
    expect(costs[0]!.walked.filter((table) => LARGE.includes(table))).toEqual([]);
    expect(costs[0]!.removed).toBeLessThan(10 * STEPS);
    expect(costs[0]!.blocks).toBeLessThan(BLOCKS_A_JOB * STEPS);
  });

  it('a look for steps whose jobs are gone reads what was told of ends once, not for each of them', async () => {
    const { id } = await long(() => ({}));
    const gone = `select id from simple_queue.step where workflow = '${id}'`;
    for (const table of ['job', 'ready'])
      await test.database.query(`delete from simple_queue.${table} where id in (${gone})`);
    await test.database.query(
      `insert into simple_queue.arrival (shard, kind, job, state) select 0, 'end', id, 'cancelled' from (${gone} offset 1) g`,
    );
    const { database, costs } = explaining(test.storage.database);
    const vanished = new VanishedRepository(database);
    while ((await vanished.endSome()) > 0);

    const told = `select count(*)::int as n from simple_queue.arrival where kind = 'end' and job in (${gone})`;
    expect(await test.database.query(told)).toEqual([{ n: STEPS }]);
    expect(costs.reduce((sum, { removed }) => sum + removed, 0)).toBeLessThan(FAN + 5 * STEPS);
    await test.database.query(`delete from simple_queue.arrival where kind = 'end'`);
  });

  it.each([
    ['side by side', () => ({})],
    ['one behind another', chained],
  ])('a look at 1,000 steps %s reads each a few times', async (_, options) => {
    const { id } = await long(options);
    const { run, costs } = explaining(test.storage.database);

    const found = (await test.storage.workflows.reading.find(run, id))!;
    expect(found.stages).toHaveLength(STEPS);
    expect(found.stages[STEPS - 1]!.after).toHaveLength('after' in options(1) ? 1 : 0);
    expect(costs.filter(({ walked }) => walked.length > 0)).toEqual([]);
    expect(costs[0]!.blocks).toBeLessThan(BLOCKS_A_STEP * STEPS);
    expect(costs[0]!.removed).toBeLessThan(STEPS);
  });
});
