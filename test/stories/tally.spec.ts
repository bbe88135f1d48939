import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { JobResult } from '../../lib/job/job-result.js';
import { Janitor } from '../../lib/maintenance/janitor.js';
import { TallyKeeper } from '../../lib/maintenance/tally-keeper.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { aSite } from '../support/site.js';
import { aStory, untilJobIs } from '../support/story.js';

const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });
const handlers = [
  aHandler('mail', () => undefined),
  aHandler('bad', () => JobResult.unprocessable('no')),
  aHandler('again', (job) => (job.attempt === 1 ? JobResult.fail('once') : undefined), {
    backoff: { type: 'constant', delayMs: 0 },
  }),
];

describe('the tally', () => {
  const story = aStory();
  const rows = () =>
    story.database.query<{ grain: number; worker: string; started: string; minute: Date }>(
      'select grain, worker, started, minute from simple_queue.tally where lane > 0 order by minute, worker',
    );
  /** As the loop of the worker would, each minute. */
  const write = (application: TestApplication) =>
    new TallyKeeper({ ...aSite(application), name: application.worker['worker']?.name }).round();
  const empty = () => story.database.query('delete from simple_queue.tally');

  it('says what ran, how it ended, and how long it waited and ran', async () => {
    await empty();
    const application = await story.start({ providers: handlers });
    const { queues } = application;
    const mail = await queues.enqueueMany(
      'mail',
      Array.from({ length: 20 }, () => ({ payload: {} })),
    );
    const bad = await queues.enqueue('bad', {});
    const again = await queues.enqueue('again', {});
    for (const { id } of [...mail, again]) await untilJobIs('succeeded', application, id);
    await untilJobIs('unprocessable', application, bad.id);
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(21));
    await eventually(() => expect(application.seen('failed')).toHaveLength(1));
    await write(application);

    const { points, stepMs } = await adminOf(application).series();
    expect(stepMs).toBe(60_000);
    expect(points.length).toBeGreaterThanOrEqual(60);
    const busy = points.filter(({ started }) => started > 0);
    const sum = (what: 'started' | 'succeeded' | 'failed' | 'retried') =>
      busy.reduce((total, point) => total + point[what], 0);
    expect([sum('started'), sum('succeeded'), sum('failed'), sum('retried')]).toEqual([
      23, 21, 1, 1,
    ]);
    const { wait, run } = busy[0]!;
    expect(wait!.p50).toBeLessThanOrEqual(wait!.p99);
    expect(run!.p99).toBeGreaterThan(0);

    const { points: own } = await adminOf(application).series({ queue: 'bad', stepMs: '1 h' });
    expect(own.reduce((total, { failed }) => total + failed, 0)).toBe(1);
    expect(await adminOf(application).busiest({ limit: 2 })).toMatchObject([
      { queue: 'mail', started: 20, succeeded: 20 },
      { queue: 'again', started: 2, retried: 1, succeeded: 1 },
    ]);
  });

  it('shows which queues work most, once in a pipe and live on a terminal', async () => {
    const url = { env: { DATABASE_URL: story.database.url } };
    const { code, json } = await cli(['top', '--json', '--limit', '1'], url);
    expect({ code, json }).toMatchObject({ code: 0, json: { queues: [{ queue: 'mail' }] } });
    const once = await cli(['top'], url);
    expect(once.out).toMatch(/last 15 min {2}23 runs, 1 retried, 1 failed {2}[▁█]+/);
    expect(once.out).toMatch(/^mail +20 +1.3 +20 +0 +0 /m);
    expect((await cli(['top', '--over', '1s'], url)).code).toBe(2);
    expect((await cli(['top', '--limit', 'all'], url)).code).toBe(2);

    const ctrlC = new AbortController();
    let frames = 0;
    const onOut = (text: string) =>
      void (text.startsWith('\u001b[H') && ++frames === 2 && ctrlC.abort());
    const live = await cli(['top', '--no-color'], {
      ...url,
      columns: 120,
      interruption: ctrlC.signal,
      onOut,
    });
    expect(live.out.match(/23 runs/g)).toHaveLength(2);
  });

  it('writes nothing where nothing ran, and what is left at a stop', async () => {
    await empty();
    const application = await story.start({ providers: handlers });
    await write(application);
    expect(await rows()).toEqual([]);
    const { id } = await application.queues.enqueue('mail', {});
    await untilJobIs('succeeded', application, id);
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(1));
    const { name } = application.worker['worker']!;
    await application.worker.stop();
    expect(await rows()).toMatchObject([{ worker: name, started: '1' }]);
  });

  it('counts nothing where the option says so', async () => {
    await empty();
    const application = await story.start({ providers: handlers, options: { tally: false } });
    const { id } = await application.queues.enqueue('mail', {});
    await untilJobIs('succeeded', application, id);
    await application.worker.stop();
    expect(await rows()).toEqual([]);
  });

  it('counts what remote workers run, in the process that they ask', async () => {
    await empty();
    const application = await story.start({ options: { worker: false } });
    const remote = application.app.get(JobQueue, { strict: false });
    await application.queues.enqueue('afar', {});
    await application.queues.enqueue('afar', {});
    const { leaseId, jobs } = await remote.claim({
      queues: ['afar'],
      limit: 2,
      workerId: 'w',
      leaseMs: 60_000,
    });
    await remote.complete(leaseId, jobs[0]!.id);
    await remote.fail(leaseId, jobs[1]!.id, new Error('no'), { retryable: false });
    await application.close();
    const reader = await story.start({ options: { worker: false } });
    expect(await adminOf(reader).busiest()).toMatchObject([
      { queue: 'afar', started: 2, succeeded: 1, failed: 1 },
    ]);
  });

  it('keeps its counts while the database refuses them', async () => {
    await empty();
    const application = await story.start({ providers: handlers });
    const { id } = await application.queues.enqueue('mail', {});
    await untilJobIs('succeeded', application, id);
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(1));
    await story.database.query('alter table simple_queue.tally rename to elsewhere');
    await expect(write(application)).rejects.toMatchObject({ code: 'DATABASE_ERROR' });
    await story.database.query('alter table simple_queue.elsewhere rename to tally');
    await write(application);
    expect(await rows()).toMatchObject([{ started: '1' }]);
  });

  it('sums up processes, later the minutes of an hour, and loses no run by it', async () => {
    await empty();
    const application = await story.start({ options: { worker: false } });
    await application.queues.enqueue('mail', {});
    const [lane] = await application.storage.lanes.numbersOf({ queue: 'mail' });
    const insert = (minute: string, worker: string) =>
      story.database.query(
        `insert into simple_queue.tally select $1, 0, $2::timestamptz, 0, $3, $2::timestamptz + interval '30 days', 10, 8, 1, 0, 0, 0, 1, 0, array[null, 4, 6], array[10]`,
        [lane, minute, worker],
      );
    const hour = new Date(Math.floor(Date.now() / 3_600_000 - 72) * 3_600_000);
    const at = (minutes: number) => new Date(hour.getTime() + minutes * 60_000).toISOString();
    for (const worker of ['a', 'b', 'c']) {
      await insert(at(1), worker);
      await insert(at(2), worker);
      await insert(at(71 * 60), worker);
    }
    const before = await adminOf(application).series({ from: hour, stepMs: '1 h' });
    await new Janitor(aSite(application)).round();
    await insert(at(1), 'late');
    await new Janitor(aSite(application)).round();

    expect((await rows()).map(({ grain, started }) => [grain, Number(started)])).toEqual([
      [2, 70],
      [1, 30],
    ]);
    const { points } = await adminOf(application).series({ from: hour, stepMs: '1 h' });
    expect(points[0]).toMatchObject({ started: 70, succeeded: 56, failed: 7, retried: 7 });
    expect(points[0]!.wait).toEqual(before.points[0]!.wait);
    expect(points.slice(1)).toEqual(before.points.slice(1));
  });

  it('says how each queue of a page ran in the last hour, by steps of five minutes', async () => {
    await empty();
    const { queues, storage } = await story.start({ options: { worker: false } });
    for (const queue of ['rate-a', 'rate-b', 'rate-c']) await queues.enqueue(queue, {});
    const insert = async (queue: string, ago: number, worker: string) => {
      const [lane] = await storage.lanes.numbersOf({ queue });
      const minute = `date_trunc('minute', statement_timestamp(), 'UTC') - ${ago} * interval '1 minute'`;
      await story.database.query(
        `insert into simple_queue.tally select $1, 0, ${minute}, 0, $2, now() + interval '1 day', 10, 6, 1, 1, 0, 0, 1, 1, '{}', '{}'`,
        [lane, worker],
      );
    };
    const insertAll = async () => {
      await empty();
      for (const [ago, worker] of [
        [1, 'a'],
        [1, 'b'],
        [7, 'a'],
        [60, 'a'],
        [61, 'a'],
        [0, 'a'],
      ] as const)
        await insert('rate-b', ago, worker);
      await insert('rate-c', 3, 'a');
    };
    const found = async (most: number) =>
      (await storage.tallies.rates(most, 'rate'))
        .map(({ queue, ...rate }) => [queue, rate])
        .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    const one = { started: 10, failed: 3, ended: 10 };
    // All within one minute.
    await eventually(async () => {
      await insertAll();
      expect(await found(3)).toEqual([
        ['rate-b', { step: 0, ...one }],
        ['rate-b', { step: 10, ...one }],
        ['rate-b', { step: 11, started: 20, failed: 6, ended: 20 }],
        ['rate-c', { step: 11, ...one }],
      ]);
    });
    expect(await found(1)).toEqual([]);
  });

  it('refuses wrong questions by name', async () => {
    const application = await story.start({ options: { worker: false } });
    const admin = adminOf(application);
    const refused = (options: object) =>
      admin.series(options).then(
        () => 'none',
        ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
      );
    expect(await refused({ stepMs: 1 })).toMatch(/INVALID_OPTION series: options.stepMs must be/);
    expect(await refused({ step: '1 min' })).toMatch(/did you mean "stepMs"/);
    expect(await refused({ from: new Date(5), to: new Date(5) })).toMatch(/from must be before/);
    expect(await refused({ from: new Date(NaN) })).toMatch(/from must be a valid Date/);
    expect(await refused({ from: new Date(0), stepMs: '1 min' })).toMatch(/points are too many/);
    expect(await refused({ queue: 'nail' })).toMatch(/QUEUE_UNKNOWN/);
    await expect(admin.busiest({ limit: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect((await admin.series({ from: new Date(0) })).points.length).toBeLessThan(62);
  });
});
