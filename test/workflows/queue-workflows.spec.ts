import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { step } from '../../lib/job/added-step.js';
import { Janitor } from '../../lib/maintenance/janitor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { batch, item } from '../../lib/workflows/batch.js';
import { workflow, type AnyWorkflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { eventually } from '../support/eventually.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const TABLES = ['workflow', 'stage', 'edge', 'step', 'draft', 'undo', 'arrival', 'job'];
const success = (id: string, output = '1') => ({
  id,
  epoch: 0,
  runMs: 1,
  keepMs: undefined,
  output,
});

describe('workflows on their tables', () => {
  let test: TestStorage;
  let workflows: QueueWorkflows;

  beforeAll(async () => {
    test = await aStorage();
    const options = resolveOptions({ maxPayloadBytes: 1_000 }).options;
    workflows = new QueueWorkflows(test.storage, options, test.events);
  });
  afterAll(() => test.close());

  const rows = async () =>
    Object.fromEntries(
      await Promise.all(
        TABLES.map(async (table): Promise<[string, number]> => {
          const [row] = await test.database.query<{ n: number }>(`select count(*)::int as n from simple_queue.${table}`); // prettier-ignore
          return [table, row!.n];
        }),
      ),
    );
  const NOTHING = Object.fromEntries(TABLES.map((table) => [table, 0]));
  /** What only JavaScript can give. */
  const inVain = (options: object) => [options] as unknown as [];
  const one = (name = 'w') => workflow(name).step('a', 'work', 1);

  it.each([
    ['waits for itself', () => workflow('w').step('a', 'work', 1, { after: 'a' as never })],
    ['is not declared before it', () => one().step('b', 'work', 1, { after: 'c' as never })],
    ['is declared twice', () => one().step('a', 'work', 1)],
    ['must be', () => one().step('b', 'work', 1, { after: 'a', when: 'never' as never })],
    ['nothing that it waits for', () => workflow('w').step('a', 'work', 1, { when: 'failed' })],
    [
      'cannot have uniqueKey',
      () => workflow('w').step('a', 'work', 1, { uniqueKey: 'k' } as never),
    ],
    [
      'cannot have workflowId',
      () => workflow('w').step('a', 'work', 1, { workflowId: 'k' } as never),
    ],
    ['needs a list', () => workflow('w').each('a', 'work', 7 as never)],
    [
      '10001 jobs, more than 10000',
      () =>
        workflow('w').each(
          'a',
          'work',
          Array.from({ length: 10_001 }, () => 1),
        ),
    ],
    ['has no steps', () => workflows.start(workflow('w'))],
    ['start takes', () => workflows.start({ name: 'w', steps: [] } as never)],
  ])('refuses what %s with a code of its own', async (message, make) => {
    await expect((async () => make())()).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
      message: expect.stringContaining(message),
    });
    expect(await rows()).toEqual(NOTHING);
  });

  it.each([
    ['must be [job, payload]', 'work'],
    ['must be [job, payload]', ['work']],
    ['must be [job, payload]', ['work', 1, {}, 2]],
    ['must be [job, payload]', { job: 'work' }],
    ['must be [job, payload]', null],
    ['cannot have compensate', ['work', 1, { compensate: ['work', 2] }]],
    ['cannot have after', ['work', 1, { after: 'a' }]],
    ['cannot have when', ['work', 1, { when: 'ended' }]],
    ['cannot have uniqueKey', ['work', 1, { uniqueKey: 'k' }]],
  ])('refuses a compensation that %s', async (message, compensate) => {
    const make = [
      () => workflow('w').step('a', 'work', 1, { compensate } as never),
      () => workflow('w').each('a', 'work', [1], { compensate } as never),
    ];
    for (const call of make)
      await expect((async () => workflows.start(call()))()).rejects.toMatchObject({
        code: 'COMPENSATION_INVALID',
        message: expect.stringContaining(`Workflow "w": compensate of the step "a" ${message}`),
      });
    expect(await rows()).toEqual(NOTHING);
  });

  it('refuses jobs of compensations as it does others, and counts them', async () => {
    const undo = (compensate: unknown) =>
      workflow('w').step('a', 'work', 1, { compensate } as never);
    const refused = async (flow: () => unknown, code: string, message: string) =>
      expect((async () => workflows.start(flow() as never))()).rejects.toMatchObject({ code, message: expect.stringContaining(message) }); // prettier-ignore
    await refused(() => undo(['no queue', 1]), 'INVALID_NAME', 'not a queue name');
    await refused(() => undo(['work', 1, 7]), 'INVALID_OPTION', 'options of compensate');
    await refused(() => undo(['work', 1, { maxAttempts: 0 }]), 'INVALID_OPTION', 'Step "a"');
    await refused(() => undo(['work', 'x'.repeat(2_000)]), 'PAYLOAD_TOO_LARGE', 'Step "a"');
    await refused(() => undo(['work', () => 1]), 'INVALID_PAYLOAD', 'Step "a"');
    const many = Array.from({ length: 10_000 }, () => 1);
    const twice = () => workflow('w').each('a', 'work', many, { compensate: ['work', 2] }).step('b', 'work', 1); // prettier-ignore
    await refused(twice, 'WORKFLOW_INVALID', 'more than 20000 jobs in all');
    expect(await rows()).toEqual(NOTHING);
  });

  it('refuses more than 64 MiB of payloads in all, those of compensations among them, and 16 MiB at once of what is added', async () => {
    const test = await aStorage({ maxPayloadBytes: 9_000_000 });
    const large = 'x'.repeat(8_000_000);
    const flow = (n: number, compensate?: unknown) =>
      workflow('w').each('a', 'work', Array.from({ length: n }, () => large), { compensate } as never); // prettier-ignore
    const own = new QueueWorkflows(test.storage, test.options, test.events);
    const refused = { code: 'WORKFLOW_INVALID', message: expect.stringContaining('characters together') }; // prettier-ignore
    await expect(own.start(flow(9))).rejects.toMatchObject(refused);
    await expect(own.start(flow(5, ['work', large]))).rejects.toMatchObject(refused);
    expect(await test.database.query('select from simple_queue.workflow')).toEqual([]);
    const { id } = await own.start(flow(2));
    const three = Array.from({ length: 3 }, () => step('a', 'work', large));
    await expect(own.add(id, three)).rejects.toMatchObject(refused);
    await own.add(id, three.slice(1));
    await test.close();
  });

  it('refuses more than 100,000 edges', () => {
    const flow: AnyWorkflow = workflow('w');
    const names = Array.from({ length: 1_000 }, (_, n) => `s${n}`);
    for (const name of names) flow.step(name, 'work', 1);
    for (let n = 0; n < 100; n++) flow.step(`t${n}`, 'work', 1, { after: names });
    expect(() => flow.step('more', 'work', 1, { after: 's0' })).toThrow('more than 100000 others');
  });

  it('refuses 10,001 steps', () => {
    const flow = workflow('w');
    for (let n = 0; n < 10_000; n++) flow.step(`s${n}`, 'work', 1);
    expect(() => flow.step('more', 'work', 1)).toThrow('more than 10000 steps');
  });

  it('stores nothing where a payload, an option or a transaction is refused, and names the step', async () => {
    const large = one().step('b', 'work', 'x'.repeat(2_000), { after: 'a' });
    await expect(workflows.start(large)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('Step "b"') }); // prettier-ignore
    const Unique = defineJob({ queue: 'work', defaults: { uniqueKey: 'k' } } as never);
    await expect(workflows.start(workflow('w').step('a', Unique, 1))).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    for (const options of [{ uniqueKey: '' }, { deadlineMs: 0 }, { onFailure: 'stop' }, { keepMs: 5 }, { key: 1 }, { manager: 7 }, null]) // prettier-ignore
      await expect(workflows.start(one(), options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    expect(() => workflow('w').step('a', 'no queue', 1)).toThrow('not a queue name');
    expect(await rows()).toEqual(NOTHING);
  });

  it.each([
    ['INVALID_OPTION', () => workflows.start(one(), 7 as never)],
    ['INVALID_OPTION', () => workflows.start(one(), [] as never)],
    ['INVALID_OPTION', () => workflows.wait(randomUUID(), null as never)],
    ['INVALID_OPTION', () => workflows.wait(randomUUID(), 7 as never)],
    ['INVALID_OPTION', () => workflows.upstream(undefined as never)],
    ['INVALID_OPTION', () => workflows.upstream(randomUUID() as never)],
    ['INVALID_OPTION', () => workflows.start(batch([item('work', 1, null as never)]))],
    ['INVALID_OPTION', () => workflows.start(batch([item('work', 1, 7 as never)]))],
    ['INVALID_OPTION', () => batch([]).onEnd('work', 1, null as never)],
    ['WORKFLOW_INVALID', () => batch([]).onEnd('work', 1, { after: 'x' } as never)],
    ['WORKFLOW_INVALID', () => batch([]).onFailed('work', 1, { when: 'ended' } as never)],
    ['WORKFLOW_INVALID', () => batch([]).onEnd('work', 1).onEnd('work', 2)],
    ['WORKFLOW_INVALID', () => batch([]).onFailed('work', 1, { compensate: ['work', 1] } as never)],
    ['INVALID_OPTION', () => one().job('b', randomUUID(), ...inVain({ after: 'a' }))],
    ['INVALID_OPTION', () => workflow('w', ...inVain({ onFailure: 'cancel' }))],
    ['INVALID_OPTION', () => batch([], 'w', ...inVain({ deadlineMs: 1 }))],
    ['INVALID_OPTION', () => workflows.start(workflow('w').each('a', 'work', [], { afterr: 'b' } as never))], // prettier-ignore
    ['INVALID_OPTION', () => workflows.retry(randomUUID(), ...inVain({ manager: 1 }))],
    ['INVALID_OPTION', () => workflows.add(randomUUID(), [], ...inVain({ manager: 1 }))],
  ])('refuses what is no job, no options, or not theirs to say (%s, %#)', async (code, call) => {
    await expect((async () => call())()).rejects.toMatchObject({ name: 'QueueError', code });
    expect(await rows()).toEqual(NOTHING);
  });

  it('says of what is unknown that it is', async () => {
    const id = randomUUID();
    expect(await workflows.find(id)).toBeUndefined();
    const unknown = { code: 'WORKFLOW_UNKNOWN' };
    await expect(workflows.cancel(id)).rejects.toMatchObject(unknown);
    await expect(workflows.retry(id)).rejects.toMatchObject(unknown);
    await expect(workflows.wait(id)).rejects.toMatchObject(unknown);
    await expect(workflows.upstream({ id })).rejects.toMatchObject(unknown);
    await expect(workflows.find('7')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(workflows.list({ state: ['failed', 'lost'] as never })).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining('not "lost"') }); // prettier-ignore
    const running = await workflows.start(one());
    await expect(workflows.wait(running.id, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' }); // prettier-ignore
    await expect(workflows.wait(running.id, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'WAIT_ABORTED' }); // prettier-ignore
    await expect(workflows.retry(running.id)).rejects.toMatchObject({ code: 'WORKFLOW_RUNNING' });
    await workflows.cancel(running.id);
  });

  it('makes the next step ready in the statement that ends the last one before it, however many end at once', async () => {
    const flow = workflow('fan')
      .each(
        'part',
        'work',
        Array.from({ length: 200 }, (_, n) => n),
      )
      .step('last', 'work', 'last', { after: 'part' });
    const { id } = await workflows.start(flow);
    const steps = await test.database.query<{ id: string }>('select id from simple_queue.step where workflow = $1 and stage = 0', [id]); // prettier-ignore
    const batches = Array.from({ length: 20 }, (_, n) => steps.slice(10 * n, 10 * n + 10));
    await Promise.all(
      // As a worker does: whoever waits half a second for a lock asks again.
      batches.map((batch) => eventually(() => test.storage.workflows.settle('w', batch.map((step) => success(step.id))))), // prettier-ignore
    );

    const ready = await test.database.query(
      'select t.id from simple_queue.ready r join simple_queue.step t on t.id = r.id where t.workflow = $1 and t.stage = 1',
      [id],
    );
    expect(ready).toHaveLength(1);
    expect(await rows()).toMatchObject({ arrival: 0 });
    await workflows.cancel(id);
  });

  it('ends a step once: a run that lost its job, and the late end of another life, change nothing', async () => {
    const { id } = await workflows.start(one('once').step('b', 'work', 2, { after: 'a' }));
    const [job] = (await workflows.find(id))!.steps[0]!.ids;
    expect((await test.storage.workflows.settle('w', [success(job!)])).lost).toEqual([]);
    expect((await test.storage.workflows.settle('w', [success(job!, '2')])).lost).toEqual([job]);
    const [next] = (await workflows.find(id))!.steps[1]!.ids;
    expect(await workflows.upstream({ id: next! })).toEqual({ a: 1 });
    await workflows.cancel(id);
  });

  it('refuses outputs that are too large to be read at once', async () => {
    const { id } = await workflows.start(one('large').step('b', 'work', 2, { after: 'a' }));
    const [job] = (await workflows.find(id))!.steps[0]!.ids;
    await test.database.query(`update simple_queue.step set output = to_jsonb(repeat('x', 17000000)) where id = $1`, [job]); // prettier-ignore
    const [next] = (await workflows.find(id))!.steps[1]!.ids;
    await expect(workflows.upstream({ id: next! })).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' }); // prettier-ignore
    await workflows.cancel(id);
  });

  it('cancels what waits in the transaction of the caller: nothing begins between its commit and the look of the duty', async () => {
    const before = await workflows.start(one());
    const counts = await test.dataSource.transaction(async (manager) => {
      const { id } = await workflows.start(one('both'), { manager });
      for (const flow of [id, before.id]) await workflows.cancel(flow.toUpperCase(), { manager });
      const sql = `select count(*)::int as n from simple_queue.job where options ->> 'workflowId' = any($1::text[])`;
      const [{ n }] = await manager.query<[{ n: number }]>(sql, [[id, before.id]]);
      return { id, n };
    });
    expect(counts.n).toBe(0);
    for (const id of [counts.id, before.id])
      expect(await workflows.wait(id)).toMatchObject({ state: 'cancelled', steps: [{ state: 'cancelled' }] }); // prettier-ignore
    const kept = await workflows.start(one());
    const undone = test.dataSource.transaction(async (manager) => {
      await workflows.cancel(kept.id, { manager });
      throw new Error('rolled back');
    });
    await expect(undone).rejects.toThrow('rolled back');
    expect(await workflows.find(kept.id)).toMatchObject({ state: 'running' });
    await workflows.cancel(kept.id);
  });

  it('cost jobs that are no steps nothing: no statement of theirs, and no row', async () => {
    await test.database.query(`truncate ${TABLES.map((table) => `simple_queue.${table}`).join()}, simple_queue.ready`); // prettier-ignore
    const queues = new QueueService(test.storage, test.options, test.events);
    const jobs = await queues.enqueueMany('work', Array.from({ length: 50 }, (_, n) => ({ payload: n, workflowId: 'tag' }))); // prettier-ignore
    await queues.cancel({ workflowId: 'tag' });
    expect(jobs).toHaveLength(50);
    expect(await rows()).toEqual(NOTHING);
  });

  it('are let go of, with all that belongs to them, when they were kept long enough', async () => {
    const flow = () => one('kept').step('b', 'work', 2, { after: 'a' });
    const [old, young] = [await workflows.start(flow()), await workflows.start(flow())];
    await workflows.cancel(old.id);
    await workflows.cancel(young.id);
    await test.database.query(`update simple_queue.workflow set expires_at = now() where id = $1`, [old.id]); // prettier-ignore
    await new Janitor(aSite(test)).round();

    expect(await workflows.find(old.id)).toBeUndefined();
    expect(await workflows.find(young.id)).toMatchObject({ state: 'cancelled' });
    expect(await rows()).toMatchObject({ workflow: 1, stage: 2, edge: 1, step: 2, draft: 2, arrival: 0 }); // prettier-ignore
  });
});
