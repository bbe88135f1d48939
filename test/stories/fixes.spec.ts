import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import type { Trouble } from '../../lib/job/trouble.js';
import { QueueService } from '../../lib/queue.service.js';
import { TROUBLES } from '../../lib/troubles/kinds.js';
import { cli } from '../support/cli.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aStorage, type TestStorage } from '../support/storage.js';

/** Whoever follows a `fix` at night touches what the trouble counts, and nothing beside it. */
describe('the command that puts a trouble right', () => {
  let test: TestStorage;
  let admin: QueueAdmin;
  let queues: QueueService;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
    queues = new QueueService(test.storage, test.options, test.events);
  });
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  const query = (text: string, values?: unknown[]) => test.database.query(text, values);
  const found = async (code: Trouble['code']): Promise<Trouble[]> =>
    (await admin.troubles()).filter((trouble) => trouble.code === code);
  const follow = async ({ fix }: Trouble) => {
    const words = [...fix.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
    const env = { DATABASE_URL: test.database.url };
    expect(await cli(words.slice(3), { env })).toMatchObject({ code: 0 });
  };
  const statesOf = (ids: string[]) =>
    Promise.all(ids.map(async (id) => (await queues.find(id))?.state));
  /** One worker that serves the lanes of these jobs, and no lane of that one. */
  const aWorkerFor = async (ids: string[], orphan: string) => {
    await query(
      `update simple_queue.lease set lanes = array(select lane from simple_queue.job where id = any($2)
         except select lane from simple_queue.job where id = $3) where id = $1`,
      [await test.rows.lease('1 hour', 'host:1'), ids, orphan],
    );
  };

  const CASES: [string, EnqueueOptions, EnqueueOptions[], string][] = [
    ['a name', { name: 'old' }, [{}, { name: 'new' }, { name: 'old', delayMs: '1 d' }], '--name old'],
    ['no name', {}, [{ name: 'new' }, { delayMs: '1 d' }], "--name ''"],
    ['a label', { labels: ['gpu'] }, [{}, { labels: ['eu'] }, { labels: ['gpu'], delayMs: '1 d' }], "--name '' --label gpu"],
    ['two labels', { labels: ['eu', 'gpu'] }, [{}, { labels: ['gpu'] }], "--name '' --label eu"],
    ['a label, beside more', { labels: ['gpu'] }, [{}, { labels: ['eu', 'gpu'] }], ''],
    ['a name, beside labels', { name: 'old' }, [{ name: 'old', labels: ['eu'] }], ''],
  ]; // prettier-ignore
  it.each(CASES)('ends jobs that nobody serves, named by %s', async (which, own, more, words) => {
    const queue = which.replaceAll(/\W+/g, '-');
    const { id } = await queues.enqueue(queue, 1, own);
    const others: string[] = [];
    for (const options of more) others.push((await queues.enqueue(queue, 1, options)).id);
    await aWorkerFor(others, id);
    const before = await statesOf(others);
    const [trouble, ...rest] = await found('NO_HANDLER');
    expect(rest).toEqual([]);
    expect((await admin.explain(id)).troubles).toMatchObject([{ code: 'NO_HANDLER' }]);
    expect(trouble).toMatchObject({ count: 1, ...(own.labels && { labels: own.labels }) });
    // A deploy may be under way.
    expect(trouble).toMatchObject({ fix: '', hint: expect.stringMatching(/^Deploy .*\.$/) });
    for (const table of ['job', 'ready'])
      await query(`update simple_queue.${table} set run_at = '2020-01-01' where id = $1`, [id]);
    const [old] = await found('NO_HANDLER');
    const command = `npx --no simple-queue cancel --queue ${queue} ${words} --state ready,blocked --yes`;
    expect(old!.fix).toBe(words && command);
    if (words) await follow(old!);
    expect(await statesOf([id])).toEqual([words ? 'cancelled' : 'ready']);
    expect(await statesOf(others)).toEqual(before);
  });

  const END = 'update simple_queue.dead_letter set';
  it.each([true, false])(
    'runs what was poisoned again (beside unreadable rows: %s)',
    async (both) => {
      const [poisoned, unreadable, old] = await endedJobs(test, 3, { state: 'poisoned' });
      await query(`${END} finished_at = now() - interval '2 days' where id = $1`, [old]);
      await query(`${END} last_error = '{"name":"-","message":"-","code":"DATABASE_ERROR"}', finished_at = now() - $2::interval where id = $1`, [unreadable, both ? '1 hour' : '2 days']); // prettier-ignore
      const dead = async () =>
        (await statesOf([poisoned!, unreadable!, old!])).map((state) => state === 'poisoned');
      await follow((await found('POISONED_JOBS'))[0]!);
      expect(await dead()).toEqual([false, true, true]);
      for (const trouble of await found('UNREADABLE_JOBS')) await follow(trouble);
      expect(await dead()).toEqual([false, !both, true]);
    },
  );

  it('gives staged jobs up, and not those that expire', async () => {
    const make = async () => (await queues.enqueue('open', 1, { staged: true })).id;
    const [open, late, fresh] = [await make(), await make(), await make()];
    const change = `update simple_queue.job set created_at = now() - interval '2 hours', commit_by = now() + $2::interval where id = $1`;
    await query(change, [open, '1 hour']);
    await query(change, [late, '-5 minutes']);
    await follow((await found('STAGED_JOBS'))[0]!);
    expect(await statesOf([open, late, fresh])).toEqual(['cancelled', 'staged', 'staged']);
  });

  it('gives staged jobs up, and not those that wait for other jobs', async () => {
    const gate = (await queues.enqueue('open', 0, { delayMs: 3_600_000 })).id;
    const open = (await queues.enqueue('open', 1, { staged: true })).id;
    const waits = (await queues.enqueue('open', 2, { dependsOn: [gate] })).id;
    await query(`update simple_queue.job set created_at = now() - interval '2 hours'`);
    await query(`update simple_queue.job set commit_by = now() + interval '1 hour' where id = $1`, [open]); // prettier-ignore
    const [trouble] = await found('STAGED_JOBS');
    expect(trouble!.fix).toBe(`npx --no simple-queue cancel ${open}`);
    await follow(trouble!);
    expect(await statesOf([open, waits])).toEqual(['cancelled', 'staged']);
  });

  it('runs what failed again, and not yet what depended on it', async () => {
    const [failed, dependent] = await endedJobs(test, 2, { state: 'failed' });
    await query(`${END} last_error = '{"name":"-","message":"-","code":"DEPENDENCY_FAILED"}', state = 'expired' where id = $1`, [dependent]); // prettier-ignore
    const [both] = await found('DEAD_LETTERS');
    const why = 'depend on jobs that have not succeeded, or that waited for them in their ordered group'; // prettier-ignore
    expect(both!.hint).toContain(`1 ${why}, and must be run again when those have succeeded`);
    await follow(both!);
    expect(await statesOf([failed!, dependent!])).toEqual(['ready', 'expired']);
    const [rest] = await found('DEAD_LETTERS');
    expect(rest!.hint).toContain(`They ${why}. When those have succeeded`);
    await follow(rest!);
    expect(await statesOf([failed!, dependent!])).toEqual(['ready', 'ready']);
  });

  it('never runs what nobody committed, beside what failed and alone; redrive takes it where its state is named', async () => {
    const [failed, open] = await endedJobs(test, 2, { state: 'failed' });
    await query(`${END} last_error = '{"name":"-","message":"-","code":"COMMIT_EXPIRED"}', error_key = null, state = 'expired' where id = $1`, [open]); // prettier-ignore
    const [both] = await found('DEAD_LETTERS');
    expect(both!.hint).toMatch(/^1 of these nobody committed .* made the others fail/);
    await follow(both!);
    expect(await statesOf([failed!, open!])).toEqual(['ready', 'expired']);
    const [rest] = await found('DEAD_LETTERS');
    expect(rest).toMatchObject({ hint: expect.stringContaining('committed'), fix: '' });
    const { queue } = both!;
    expect(await admin.redrive({ queue })).toMatchObject({ revived: 0 });
    expect(await admin.redrive({ queue, state: 'expired' })).toMatchObject({ revived: 1 });
  });

  it('ends no sessions of other roles where the room of one is used up', () => {
    const row = {
      code: 'CONNECTIONS',
      queue: null,
      name: null,
      labels: null,
      sinceMs: null,
    } as const;
    const told = TROUBLES.CONNECTIONS.tell({ ...row, count: 9, extra: 9, subject: 'role "app"' });
    expect(told.fix).toBeUndefined();
  });
});
