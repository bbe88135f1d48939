import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { Janitor } from '../../lib/maintenance/janitor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { checkPlaces } from '../support/check-places.js';
import { endedJobs } from '../support/ended-jobs.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const UNKEPT = { queues: { unkept: { archive: false as const } } };
const GROUP = { group: 'g', ordered: true };
/** What waits for the next look of the duty is decided by then. No loop turns here. */
describe('a job that depends on others, where these', () => {
  let test: TestStorage;
  let queues: QueueService;
  let admin: QueueAdmin;
  let advancer: Advancer;

  beforeAll(async () => {
    test = await aStorage(UNKEPT);
    queues = new QueueService(test.storage, resolveOptions(UNKEPT).options, test.events);
    admin = new QueueAdmin(test.storage, test.options);
    advancer = new Advancer(aSite(test, UNKEPT));
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) => test.database.query(sql, values);
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  const add = async (options: EnqueueOptions = {}, queue = 'work') =>
    (await queues.enqueue(queue, null, options)).id;
  const statesOf = (...ids: string[]) =>
    Promise.all(ids.map(async (id) => (await queues.find(id))?.state));
  const succeed = async (id: string) => {
    await query('delete from simple_queue.ready where id = $1', [id]);
    const [job] = await query('select epoch from simple_queue.job where id = $1', [id]);
    await test.storage.workflows.settle('w', [{ id, epoch: Number(job!['epoch']), runMs: 1, keepMs: 60_000, output: '7' }]); // prettier-ignore
  };
  /** As a worker ends it in a queue whose dead jobs are skipped: its turn is vacant. */
  const fail = async (id: string) => {
    await query('delete from simple_queue.ready where id = $1', [id]);
    const [job] = await query('select epoch from simple_queue.job where id = $1', [id]);
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 60_000, archiveKeepMs: 60_000, onDeadJob: 'skip' } as const; // prettier-ignore
    await test.storage.settlements.bury('w', [{ id, epoch: Number(job!['epoch']), verdict }]);
  };
  const handOn = () => test.storage.groups.handOn();

  describe('come back under their ids,', () => {
    const inVain = (id: string) => ({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(
        `job ${id} was there before, and others wait for it`,
      ) as unknown,
    });
    /** An id that is free again while others wait for it. */
    const returning = async (given: EnqueueOptions = {}) => {
      const id = await add(given, 'unkept');
      const dependent = await add({ dependsOn: [id] });
      await queues.cancel({ id });
      return { id, dependent };
    };

    it.each([
      ['made by the library', () => ({})],
      ['given by the caller', () => ({ id: randomUUID() })],
    ])('is not waited for by them: an id %s', async (_, given) => {
      const { id, dependent } = await returning(given());
      const last = await add({ dependsOn: [dependent] });
      for (const on of [dependent, last])
        await expect(add({ id, dependsOn: [on] }, 'unkept')).rejects.toMatchObject(inVain(id));
      const items = [
        { payload: 1, id, dependsOn: [await add(), '00000000-0000-4000-8000-000000000001'] },
        { payload: 2, id: '00000000-0000-4000-8000-000000000001', dependsOn: [last] },
      ];
      await test.dataSource.transaction(
        (manager) => expect(queues.enqueueMany('work', items, { manager })).rejects.toMatchObject(inVain(id)), // prettier-ignore
      );
      expect(await statesOf(id, items[1]!.id, dependent)).toEqual([undefined, undefined, 'staged']);
      await advance();
      expect(await statesOf(dependent, last)).toEqual(['expired', 'expired']);
    });

    it('waits for the new one, which may not depend on others: they could depend on this one by then', async () => {
      const { id, dependent } = await returning({ id: randomUUID() });
      await expect(add({ id, dependsOn: [await add()] }, 'unkept')).rejects.toMatchObject(inVain(id)); // prettier-ignore
      await add({ id }, 'unkept');
      await succeed(id);
      await advance();
      expect(await statesOf(dependent)).toEqual(['ready']);
    });

    it('is the same job where it is enqueued again while it lives, though others wait for it', async () => {
      const [id, first] = [randomUUID(), await add()];
      await add({ id, dependsOn: [first] });
      const dependent = await add({ dependsOn: [id] });
      await expect(add({ id, dependsOn: [dependent] })).resolves.toBe(id);
    });

    it('is not held up by one that was cancelled, and whose own list is still there', async () => {
      const { id, dependent } = await returning({ id: randomUUID() });
      await queues.cancel({ id: dependent });
      await query('delete from simple_queue.archive');
      await add({ id: dependent });
      await expect(add({ id, dependsOn: [dependent] }, 'unkept')).resolves.toBe(id);
    });
  });

  describe('stand behind it in its ordered group,', () => {
    it.each([
      ['run again', (id: string) => admin.retry(id)],
      [
        'enqueued again under their ids',
        async (id: string) => {
          await query('delete from simple_queue.dead_letter');
          await add({ ...GROUP, id });
        },
      ],
    ])('ends as if they had failed, and the group goes on: %s', async (_, again) => {
      const first = await add({ ...GROUP, id: randomUUID() });
      const dependent = await add({ ...GROUP, dependsOn: [first] });
      const next = await add(GROUP);
      await fail(first);
      await handOn();
      await again(first);
      expect(await statesOf(first, dependent, next)).toEqual(['blocked', 'staged', 'blocked']);
      await advance();
      expect(await queues.find(dependent)).toMatchObject({
        state: 'expired',
        lastError: { code: 'DEPENDENCY_FAILED', message: expect.stringMatching(`Job ${first}, .*behind this one`) }, // prettier-ignore
      });
      await handOn();
      expect(await statesOf(first, next)).toEqual(['blocked', 'ready']);
      await admin.retry(dependent);
      await query('delete from simple_queue.ready');
      await query('delete from simple_queue.job where id = $1', [next]);
      await test.storage.groups.freeStuck();
      await handOn();
      expect(await statesOf(first, dependent)).toEqual(['ready', 'blocked']);
    });

    it('ends also while it is not its turn, and what stands before it is waited for', async () => {
      const head = await add(GROUP);
      const first = await add({ ...GROUP, id: randomUUID() });
      const dependent = await add({ ...GROUP, dependsOn: [first] });
      const waits = await add({ ...GROUP, dependsOn: [head] });
      await queues.cancel({ id: first });
      await query('delete from simple_queue.archive');
      await add({ ...GROUP, id: first });
      await advance();
      expect(await statesOf(head, dependent, waits, first)).toEqual(['ready', 'expired', 'staged', 'blocked']); // prettier-ignore
    });
  });

  it('are known by nothing but itself, since a table was emptied, waits for all of them again', async () => {
    const [first, second] = [await add(), await add()];
    const many = await queues.enqueueMany('work', Array.from({ length: 1_100 }, () => ({ payload: 0, dependsOn: [first] }))); // prettier-ignore
    const id = await add({ dependsOn: [first, second], maxAttempts: 3 });
    const [head, blocked] = [await add(GROUP), await add({ ...GROUP, dependsOn: [first] })];
    const own = await add({ staged: true });
    await query('truncate simple_queue.arrival');
    const janitor = new Janitor(aSite(test));
    await janitor.round();
    await janitor.round();
    await succeed(first);
    await advance();
    const states = await query(`select state, count(*)::int as n from simple_queue.jobs where id = any($1) group by 1`, [many.map((job) => job.id)]); // prettier-ignore
    expect(states).toEqual([{ state: 'ready', n: 1_100 }]);
    expect(await query('select id from simple_queue.blocked')).toEqual([{ id: blocked }]);
    expect(await statesOf(id, own)).toEqual(['staged', 'staged']);
    await succeed(second);
    await queues.cancel({ id: head });
    await handOn();
    expect(await query('select from simple_queue.blocked')).toEqual([]);
    await janitor.round();
    await advance();
    expect(await statesOf(id, blocked, own)).toEqual(['ready', 'ready', 'staged']);
    expect(await query('select options from simple_queue.job where id = $1', [id])).toEqual([{ options: { maxAttempts: 3 } }]); // prettier-ignore
    expect(await query('select from simple_queue.arrival')).toEqual([]);
  });

  it('are told of twice, ends once', async () => {
    const [bad] = await endedJobs(test, 1);
    const id = await add({ dependsOn: [bad!] });
    await query('insert into simple_queue.arrival (shard, kind, job, more) select shard, kind, job, more from simple_queue.arrival'); // prettier-ignore
    await advance();
    expect(await statesOf(id)).toEqual(['expired']);
    expect(await query('select from simple_queue.arrival')).toEqual([]);
  });

  it('let thousands go, costs a few statements', async () => {
    const first = await add();
    const waits = Array.from({ length: 2_000 }, () => ({ payload: 0, dependsOn: [first] }));
    await queues.enqueueMany('work', waits);
    await succeed(first);
    const recorded = recordStatements();
    await advance();
    recorded.stop();
    expect(recorded.names.length).toBeLessThan(50);
    const [counted] = await query('select count(*)::int as n from simple_queue.ready');
    expect(counted).toEqual({ n: 2_000 });
  });

  describe('are steps of a workflow (`.job`),', () => {
    const start = (id: string, uniqueKey?: string) =>
      new QueueWorkflows(test.storage, test.options, test.events).start(
        workflow('report').job('export', id).step('report', 'work', 1, { after: 'export' }),
        uniqueKey === undefined ? {} : { uniqueKey },
      );

    it('is refused where nobody knows one, with the way out, and nothing is stored', async () => {
      const id = randomUUID();
      const refused = { code: 'DEPENDENCY_UNKNOWN', message: expect.stringMatching(`step "export": job ${id} is unknown.*spool of another process.*repeat the call`) as unknown }; // prettier-ignore
      await expect(start(id)).rejects.toMatchObject(refused);
      expect(await query('select from simple_queue.workflow')).toEqual([]);
    });

    it('is the one that runs, though what it waited for is not kept any more', async () => {
      const { id } = await queues.enqueue('unkept', null);
      const started = await start(id, 'k');
      await queues.cancel({ id });
      expect(await start(id, 'k')).toEqual({ id: started.id, created: false });
    });
  });
});
