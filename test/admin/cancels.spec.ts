import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JobFilter } from '../../lib/admin/job-filter.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { CancelCounts } from '../../lib/job/enqueue-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { checkPlaces } from '../support/check-places.js';
import { cli } from '../support/cli.js';
import { aStorage, type TestStorage } from '../support/storage.js';

describe('a cancel by filter', () => {
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

  const simpleQueue = (...argv: string[]) =>
    cli(argv, { env: { DATABASE_URL: test.database.url } });
  const states = async (queue: string) =>
    (await admin.jobs({ queue }, { limit: 500 })).jobs.map(({ state }) => state).toSorted();

  it('ends what waits and asks what runs, of the queue, name and states that it names', async () => {
    for (const state of ['ready', 'scheduled', 'suspect', 'running'] as const)
      await test.rows.job({ queue: 'mail', name: 'reminder', state });
    await test.rows.job({ queue: 'mail', name: 'welcome' });
    const filter = { queue: 'mail', name: 'reminder' };
    const counts = { cancelled: 3, requested: 1 };
    expect(await admin.cancel(filter, { dryRun: true })).toEqual(counts);
    expect(await states('mail')).toHaveLength(5);
    expect(await admin.cancel({ ...filter, state: 'scheduled' })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await admin.cancel(filter)).toEqual({ cancelled: 2, requested: 1 });
    // Who runs is asked once.
    expect(await admin.cancel(filter, { dryRun: true })).toEqual({ cancelled: 0, requested: 0 });
    expect(await admin.cancel(filter)).toEqual({ cancelled: 0, requested: 0 });
    const kept = ['cancelled', 'cancelled', 'cancelled', 'ready', 'running'];
    expect(await states('mail')).toEqual(kept);
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('of a worker asks what it runs, and nothing that another one does', async () => {
    const runs = async (worker: string) =>
      test.rows.job({ queue: 'mail', state: 'running', fingerprint: 'f', lease: await test.rows.lease('1 hour', worker) }); // prettier-ignore
    const [own, others] = [await runs('a:1'), await runs('b:1')];
    // What a claim of an earlier time had.
    await test.rows.claim([{ id: others.id, epoch: -1 }], own.lease);
    const filter = { fingerprint: 'f', worker: 'a:1' };
    expect((await admin.jobs(filter)).jobs.map(({ id }) => id)).toEqual([own.id]);
    expect(await admin.cancel(filter)).toEqual({ cancelled: 0, requested: 1 });
    const asked = await test.database.query('select id from simple_queue.job where cancel_at is not null'); // prettier-ignore
    expect(asked).toEqual([{ id: own.id }]);
  });

  it('of a group, a label or a workflow ends those that the rest of the filter names', async () => {
    const job = (queue: string, options: object) => queues.enqueue(queue, 1, options);
    await job('mail', { group: 'tenant 7', ordered: true });
    const [blocked, later] = [
      await job('mail', { group: 'tenant 7', ordered: true }),
      await job('mail', { group: 'tenant 8', ordered: true, delayMs: 60_000 }),
    ];
    const [labelled, tagged] = [
      await job('pdf', { labels: ['eu', 'gpu'], workflowId: 'w 1' }),
      await job('pdf', { labels: ['eu'], workflowId: 'w 1', delayMs: 60_000 }),
    ];
    const idsOf = async (filter: JobFilter) =>
      (await admin.jobs(filter)).jobs.map(({ id }) => id).toSorted();
    expect(await idsOf({ group: 'tenant 7' })).toHaveLength(2);
    expect(await idsOf({ label: 'eu' })).toEqual([labelled.id, tagged.id].toSorted());
    expect(await idsOf({ label: 'gpu', workflowId: 'w 1' })).toEqual([labelled.id]);
    expect(await idsOf({ label: 'us' })).toEqual([]);
    expect((await admin.jobs({ workflowId: 'w 1', label: 'gpu' })).jobs).toMatchObject([
      { labels: ['eu', 'gpu'], workflowId: 'w 1' },
    ]);

    const one = { cancelled: 1, requested: 0 };
    expect(await admin.cancel({ group: 'tenant 7', state: 'blocked' })).toEqual(one);
    expect(await admin.cancel({ group: 'tenant 8', queue: 'pdf' })).toEqual({ ...one, cancelled: 0 }); // prettier-ignore
    expect(await admin.cancel({ group: 'tenant 8', state: 'scheduled' })).toEqual(one);
    expect(await admin.cancel({ label: 'gpu', queue: 'pdf' })).toEqual(one);
    expect(await admin.cancel({ workflowId: 'w 1', label: 'eu' })).toEqual(one);

    // What has ended is found by the same words.
    const ended = { state: 'cancelled' } as const;
    expect(await idsOf({ group: 'tenant 7', ...ended })).toEqual([blocked.id]);
    expect(await idsOf({ group: 'tenant 8' })).toEqual([later.id]);
    expect(await idsOf({ workflowId: 'w 1' })).toEqual([labelled.id, tagged.id].toSorted());
    expect(await admin.redrive({ group: 'tenant 8', ...ended })).toMatchObject({ revived: 1 });
    expect(await admin.purge({ workflowId: 'w 1', ...ended })).toMatchObject({ purged: 2 });
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('by group, label and workflow on the command line, whose lists have a column for each', async () => {
    await queues.enqueue('mail', 1, { group: 'g '.repeat(50), ordered: true, labels: ['eu'] });
    const { id } = await queues.enqueue('mail', 1, { group: 'g', ordered: true, workflowId: 'w' });
    await queues.enqueue('plain', 1);
    const heads = async (...flags: string[]) => (await simpleQueue('jobs', ...flags)).out.split('\n')[0]!.split(/ {2,}/).slice(5); // prettier-ignore
    expect(await heads()).toEqual(['group', 'labels', 'workflow', 'error']);
    expect(await heads('--queue', 'plain')).toEqual(['error']);
    expect((await simpleQueue('queues', 'mail')).out).toMatch(/name +labels +ready +workers/);
    const { json } = await simpleQueue('jobs', '--group', 'g', '--workflow', 'w', '--json');
    expect(json).toMatchObject({ jobs: [{ id, group: 'g', workflowId: 'w', labels: [] }] });
    expect((await simpleQueue('cancel', '--group', 'g', '--state', 'ready')).out).toContain('1 waiting job would be cancelled'); // prettier-ignore
    expect((await simpleQueue('cancel', '--label', 'eu', '--queue', 'mail', '--yes')).out).toContain('1 waiting job cancelled'); // prettier-ignore
    expect((await simpleQueue('cancel', '--group', 'g', '--queue', 'mail')).out).toContain('1 waiting job cancelled'); // prettier-ignore
    const screen = (await cli(['jobs'], { env: { DATABASE_URL: test.database.url }, columns: 100 })).out; // prettier-ignore
    expect(screen).toContain('g g g g g g g g g g g g…');
  });

  it('of an ordered queue ends followers first, so that none of them gets a turn', async () => {
    const items = Array.from({ length: 5 }, () => ({ payload: 1, group: 'a', ordered: true }));
    await queues.enqueueMany('ledger', items);
    const seen: CancelCounts[] = [];
    await admin.cancel({ queue: 'ledger' }, { onBatch: (soFar) => seen.push(soFar) });
    expect(seen.map(({ cancelled }) => cancelled)).toEqual([4, 5]);
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('works in batches, tells how far it has come, and ends between two of them', async () => {
    await queues.enqueueMany(
      'mail',
      Array.from({ length: 1_100 }, () => ({ payload: 1 })),
    );
    const stop = new AbortController();
    const interrupted = await admin.cancel(
      { queue: 'mail' },
      { signal: stop.signal, onBatch: () => stop.abort() },
    );
    expect(interrupted).toEqual({ cancelled: 500, requested: 0 });
    const seen: number[] = [];
    await admin.cancel({ queue: 'mail' }, { onBatch: ({ cancelled }) => seen.push(cancelled) });
    expect(seen).toEqual([500, 600]);
    await queues.enqueue('mail', 1);
    const before = { signal: AbortSignal.abort() };
    expect(await admin.cancel({ queue: 'mail' }, before)).toEqual({ cancelled: 0, requested: 0 });
    expect(await admin.purge({ queue: 'mail' }, before)).toEqual({ purged: 0, left: 0 });
    expect(await admin.redrive({ queue: 'mail', state: 'cancelled' }, before)).toMatchObject({
      revived: 0,
    });
    expect(await admin.cancel({ queue: 'mail' })).toEqual({ cancelled: 1, requested: 0 });
  });

  it('waits for what it tells of a batch, and fails with it: so do purge and redrive', async () => {
    await queues.enqueueMany('mail', Array.from({ length: 600 }, () => ({ payload: 1 }))); // prettier-ignore
    const onBatch = () => Promise.reject(new Error('told in vain'));
    const filter = { queue: 'mail' };
    await expect(admin.cancel(filter, { onBatch })).rejects.toThrow('told in vain');
    expect(await admin.cancel(filter)).toEqual({ cancelled: 100, requested: 0 });
    const ended = { ...filter, state: 'cancelled' } as const;
    await expect(admin.redrive(ended, { onBatch })).rejects.toThrow('told in vain');
    await expect(admin.purge(ended, { onBatch })).rejects.toThrow('told in vain');
  });

  it('of several calls with one object ends what each was given; so do purge, redrive and lists', async () => {
    const names = ['mail', 'pdf'];
    const each = <Counts>(work: (filter: JobFilter, options: object) => Promise<Counts>) => {
      const [filter, options]: [JobFilter, { dryRun?: boolean }] = [{}, {}];
      const calls = names.map((queue) => work(Object.assign(filter, { queue }), options));
      options.dryRun = true;
      delete filter.queue;
      return Promise.all(calls);
    };
    for (const queue of names) await queues.enqueueMany(queue, [{ payload: 1 }, { payload: 2 }]);
    await queues.enqueue('other', 3);
    const two = { cancelled: 2, requested: 0 };
    expect(await each((filter, options) => admin.cancel(filter, options))).toEqual([two, two]);
    const pages = await each((filter) => admin.jobs(filter));
    expect(pages.map(({ jobs }) => jobs.map(({ queue }) => queue))).toEqual([['mail', 'mail'], ['pdf', 'pdf']]); // prettier-ignore
    const ended = (filter: JobFilter) => Object.assign(filter, { state: 'cancelled' as const });
    expect(await each((filter, options) => admin.redrive(ended(filter), options))).toMatchObject([{ revived: 2 }, { revived: 2 }]); // prettier-ignore
    const purged = { purged: 2, left: 0 };
    expect(await each((filter, options) => admin.purge(filter, options))).toEqual([purged, purged]);
    expect(await states('other')).toEqual(['ready']);
  });

  it('finds a job by its id, however that is written', async () => {
    const { id } = await queues.enqueue('mail', 1);
    const filter = { id: id.toUpperCase() };
    expect((await admin.jobs(filter)).jobs).toMatchObject([{ id }]);
    expect(await admin.cancel(filter)).toEqual({ cancelled: 1, requested: 0 });
    expect(await admin.purge(filter)).toEqual({ purged: 1, left: 0 });
  });

  it.each<[string, JobFilter, object]>([
    ['an empty filter', {}, {}],
    ['a filter of nothing', { queue: undefined }, {}],
    ['ended jobs', { state: ['ready', 'failed'] }, {}],
    ['the time of an end', { queue: 'mail', finishedAfter: new Date() }, {}],
    ['what is not known', { queu: 'mail' } as JobFilter, {}],
    ['an option that is not known', { queue: 'mail' }, { dryrun: true }],
  ])('refuses %s', async (_, filter, options) => {
    await expect(admin.cancel(filter, options)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('has a command, which counts until it is told to', async () => {
    await test.rows.jobs(3, { queue: 'mail', name: 'reminder' });
    const argv = ['cancel', '--queue', 'mail', '--name', 'reminder', '--state', 'ready'];
    expect(await simpleQueue(...argv)).toMatchObject({
      code: 0,
      out: '3 waiting jobs would be cancelled.\n',
      err: expect.stringContaining('repeat it with --yes'),
    });
    expect((await simpleQueue(...argv, '--yes', '--json')).json).toEqual({
      dryRun: false,
      complete: true,
      cancelled: 3,
      requested: 0,
    });
    expect((await simpleQueue('cancel', '--queue', 'mial', '--yes')).err).toContain('"mail"');
    for (const wrong of [
      ['cancel', '--yes'],
      ['cancel', '--state', 'failed', '--yes'],
    ])
      expect((await simpleQueue(...wrong)).code).toBe(2);
  });
});
