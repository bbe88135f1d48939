import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { JobResult } from '../../lib/job/job-result.js';
import { packageVersion } from '../../lib/runtime/here.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { workflow } from '../../lib/workflows/builder.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });

describe('operating', () => {
  const story = aStory(PATIENT);

  it('retries a dead letter: it runs again with all its attempts, under its id, and keeps its history', async () => {
    let broken = true;
    const attempts: number[] = [];
    const handler = aHandler('again', (job) => {
      attempts.push(job.attempt);
      return broken && job.attempt < 3
        ? JobResult.retryIn(1)
        : broken
          ? JobResult.fail('smtp is away')
          : 'sent';
    });
    const application = await story.start({ providers: [handler] });
    const { id } = await application.queues.enqueue('again', {}, { maxAttempts: 3 });
    await untilJobIs('failed', application, id);
    expect((await adminOf(application).explain(id)).text).toMatch(
      /ended as failed .* after 3 attempts\..*smtp is away/,
    );

    broken = false;
    expect(await adminOf(application).retry(id)).toEqual({ id, outcome: 'revived' });

    const job = await untilJobIs('succeeded', application, id);
    expect(attempts).toEqual([1, 2, 3, 1]);
    expect(job).toMatchObject({ attempt: 1, output: 'sent' });
    expect(job.history.map((line) => line.outcome)).toEqual([
      'retried',
      'retried',
      'failed',
      'revived',
    ]);
  });

  it('runs a scheduled retry now', async () => {
    const AN_HOUR = 3_600_000;
    let runs = 0;
    const handler = aHandler('hurried', () => (runs++ === 0 ? JobResult.retryIn(AN_HOUR) : 'done'));
    const application = await story.start({ providers: [handler] });
    const { id } = await application.queues.enqueue('hurried', {});
    await untilJobIs('scheduled', application, id);
    expect((await adminOf(application).explain(id)).reasons).toMatchObject([
      { code: 'RETRY_LATER' },
    ]);

    expect(await adminOf(application).retry(id)).toEqual({ id, outcome: 'promoted' });

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 2 });
  });

  it.each([1, 3, 100])(
    'lists what waits for its turn, for a commit, or in a fair queue, in pages of %d',
    async (limit) => {
      const application = await story.start({
        options: { worker: false, queues: { tenants: { fair: true } } },
      });
      const { queues } = application;
      const admin = adminOf(application);
      const line = (queue: string, group: string) =>
        queues.enqueueMany(
          queue,
          Array.from({ length: 4 }, (_, n) => ({ payload: n, group, ordered: true })),
        );
      // Groups of their own: without a worker nobody hands on the turns of those that were cancelled.
      const [a, b] = [
        await line('lined', `it's a "group" ${limit}`),
        await line('other-line', `b ${limit}`),
      ];
      const staged = await queues.enqueueMany('later', [
        { payload: 1, staged: true },
        { payload: 2, staged: true },
      ]);
      const fair = ['x', 'y'].flatMap((group) => [1, 2].map((payload) => ({ payload, group })));
      const tenants = await queues.enqueueMany('tenants', fair);

      const all = async (filter: Parameters<QueueAdmin['jobs']>[0]): Promise<string[]> => {
        const found: string[] = [];
        for (let after: string | undefined, more = true; more; more = after !== undefined) {
          const page = await admin.jobs(filter, { limit, after });
          found.push(...page.jobs.map((job) => job.id));
          after = page.next;
        }
        return found;
      };
      const ids = (answers: { id: string }[]) => answers.map((answer) => answer.id);

      expect(await all({ state: 'blocked' })).toEqual(ids([...b.slice(1), ...a.slice(1)]));
      expect(await all({ state: 'blocked', queue: 'lined' })).toEqual(ids(a.slice(1)));
      expect((await all({ state: 'staged' })).toSorted()).toEqual(ids(staged).toSorted());
      expect(await all({ queue: 'tenants', state: 'ready' })).toEqual(ids(tenants));
      expect((await all({ state: ['ready', 'blocked', 'staged'] })).toSorted()).toEqual(
        ids([...a, ...b, ...staged, ...tenants]).toSorted(),
      );
      for (const { id } of [...a, ...b, ...staged, ...tenants]) await queues.cancel({ id });
    },
  );

  it('retry racing retry: each revival is one run', async () => {
    let runs = 0;
    const application = await story.start({
      providers: [aHandler('raced', () => void runs++)],
    });
    const { id } = await application.queues.enqueue('raced', {});
    await untilJobIs('succeeded', application, id);

    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, () => adminOf(application).retry(id)),
    );
    await untilJobIs('succeeded', application, id);

    const revived = answers.filter(
      (answer) => answer.status === 'fulfilled' && answer.value.outcome === 'revived',
    );
    const refused = answers
      .filter((answer) => answer.status === 'rejected')
      .map(({ reason }) => (reason as { code: string }).code);
    expect(revived.length).toBeGreaterThan(0);
    // Found between two states five times, where twenty ask again and again.
    expect(['JOB_RUNNING', 'TRANSACTION_CONFLICT']).toEqual(
      expect.arrayContaining([...new Set(refused)]),
    );
    expect(runs).toBe(1 + revived.length);
  });

  it('redrive racing fresh enqueues with the same unique keys: each key has one live job, and no dead letter is lost', async () => {
    const KEYS = 60;
    const gate = aGate();
    const failing = await story.start({
      providers: [aHandler('keyed', () => JobResult.unprocessable('no'))],
    });
    const items = Array.from({ length: KEYS }, (_, n) => ({
      payload: {},
      uniqueKey: `order ${n}`,
    }));
    const dead = await failing.queues.enqueueMany('keyed', items);
    for (const { id } of dead) await untilJobIs('unprocessable', failing, id);
    await failing.close();
    const holding = aHandler('keyed', () => gate.passed, { concurrency: 100 });
    const application = await story.start({ providers: [holding] });
    const admin = adminOf(application);

    const [counts, ...fresh] = await Promise.all([
      admin.redrive({ queue: 'keyed' }),
      ...items
        .toReversed()
        .map(({ uniqueKey }) => application.queues.enqueue('keyed', {}, { uniqueKey })),
    ]);

    const created = fresh.filter((answer) => answer.created).length;
    expect(counts.revived + counts.keyTaken).toBe(KEYS);
    expect(counts.revived + created).toBe(KEYS);
    expect(counts.keyTaken).toBe(created);
    expect(
      (await admin.jobs({ queue: 'keyed', state: 'unprocessable' }, { limit: 500 })).jobs,
    ).toHaveLength(counts.keyTaken);
    const live = await story.database.query<{ key: string }>(
      'select distinct unique_key as key from simple_queue.job',
    );
    expect(live).toHaveLength(KEYS);
    gate.open();
    await eventually(async () => expect((await admin.stats('keyed')).running.jobs).toBe(0));
  });

  it('purge racing a claim: each job runs or is purged, never both and never neither', async () => {
    const ran: string[] = [];
    const gate = aGate();
    // Both take jobs in the order in which they are listed, so the worker is held up before it has taken all of them.
    const handler = async (job: { id: string }) => {
      await new Promise(setImmediate);
      if (ran.length >= 1_000) await gate.passed;
      ran.push(job.id);
    };
    const providers = [aHandler('purged', handler, { concurrency: 2 })];
    const application = await story.start({ providers });
    const admin = adminOf(application);
    const jobs = await application.queues.enqueueMany(
      'purged',
      Array.from({ length: 8_000 }, () => ({ payload: {} })),
    );

    const counts = await admin.purge({ queue: 'purged', state: 'ready' });
    gate.open();
    await eventually(async () => {
      const { ready, running } = await admin.stats('purged');
      expect([ready.jobs, running.jobs]).toEqual([0, 0]);
    });

    expect(new Set(ran).size).toBe(ran.length);
    expect(counts.purged).toBeGreaterThan(0);
    expect(ran.length + counts.purged).toBe(jobs.length);
  });

  it('purges ordered groups beside a worker that passes their turns on: all of them', async () => {
    const application = await story.start({ providers: [aHandler('turns', () => 1)] });
    const admin = adminOf(application);
    await admin.pause('turns');
    const group = (n: number) => ({ payload: n, group: `g${n % 7}`, ordered: true });
    await application.queues.enqueueMany('turns', Array.from({ length: 1_203 }, (_, n) => group(n))); // prettier-ignore

    /** Between two batches the turns of heads that are gone are passed on. */
    const onBatch = () =>
      eventually(async () => {
        const [{ ready, blocked }] = (await story.database.query(
          `select (select count(*) from simple_queue.ready)::int as ready, (select count(*) from simple_queue.blocked)::int as blocked`,
        )) as [{ ready: number; blocked: number }];
        expect(ready > 0 || blocked === 0).toBe(true);
      });

    const purged = await admin.purge({ queue: 'turns' }, { onBatch });

    expect(purged).toEqual({ purged: 1_203, left: 0 });

    expect(await story.database.query('select from simple_queue.job')).toEqual([]);
    await admin.resume('turns');
  });

  it('purges what waits for good, with its id, and whoever waits for it hears of it', async () => {
    const providers = [aHandler('forgotten', () => 1), aHandler('heard', () => 1)];
    const application = await story.start({ providers });
    const { app, queues } = application;
    const [admin, workflows] = [adminOf(application), app.get(QueueWorkflows, { strict: false })];
    await admin.pause('forgotten');
    const inGroup = { payload: {}, group: 'g', ordered: true };
    const waiting = await queues.enqueueMany('forgotten', [
      { payload: {}, delayMs: 3_600_000 },
      { payload: {}, staged: true },
      ...[inGroup, inGroup, { payload: {} }],
    ]);
    const { id: dependent } = await queues.enqueue('heard', {}, { dependsOn: [waiting[0]!.id] });
    const { id: flow } = await workflows.start(
      workflow('w').step('s', 'forgotten', {}).step('t', 'heard', {}, { after: 's' }),
    );
    const [step] = (await workflows.find(flow))!.steps[0]!.ids;

    expect(await admin.purge({ queue: 'forgotten' })).toEqual({ purged: 6, left: 0 });

    const ids = [...waiting.map(({ id }) => id), step!];
    for (const id of ids) expect(await queues.find(id)).toBeUndefined();
    const { lastError } = await untilJobIs('expired', application, dependent);
    expect(lastError?.code).toBe('DEPENDENCY_FAILED');
    await eventually(async () => expect((await workflows.find(flow))?.state).toBe('failed'));
    // The id of a step is taken as long as its workflow is kept.
    for (const id of ids)
      expect((await queues.enqueue('heard', {}, { id })).created).toBe(id !== step);
  });

  it('tells who works what, also for a name that appeared after the worker had started', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('watched', () => gate.passed)] });
    const stranger = await application.queues.enqueue('strange', {});
    const { id } = await application.queues.enqueue('watched', {}, { name: 'new-here' });
    await untilJobIs('running', application, id);
    const admin = adminOf(application);

    const [worker] = await admin.workers();
    expect(worker).toMatchObject({ live: true, queues: ['watched'], jobs: 1, holds: [id], alone: false }); // prettier-ignore
    expect(worker).toMatchObject({ version: packageVersion(), host: hostname(), loopMs: expect.any(Number) }); // prettier-ignore
    expect(worker!.memoryMb).toBeGreaterThan(10);
    expect((await admin.explain(id)).reasons).toMatchObject([{ code: 'RUNNING' }]);
    expect((await admin.explain(stranger.id)).reasons).toMatchObject([{ code: 'NO_HANDLER' }]);
    await eventually(async () => {
      const { lanes } = await admin.stats('watched');
      expect(lanes).toMatchObject([
        { name: '', workers: 1 },
        { name: 'new-here', workers: 1 },
      ]);
    });
    gate.open();
    await untilJobIs('succeeded', application, id);
    await application.queues.cancel({ id: stranger.id });
  });
});
