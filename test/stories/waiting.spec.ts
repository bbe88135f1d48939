import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { constant } from '../../lib/job/backoff.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { UnprocessableError } from '../../lib/job/queue.errors.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aGate, never } from '../support/gate.js';
import { patient, scaled } from '../support/patience.mjs';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';

const NOT_HERE = { worker: false } as const;
/** Nothing but looking tells of an end. */
const NO_HINTS = { wakeUp: 'off' } as const;

describe('waiting for the end of a job', () => {
  const story = aStory();

  /** A listener's last statement is LISTEN, or its ping. */
  const listeners = async () =>
    (
      await story.database.query(
        `select from pg_stat_activity where datname = current_database() and (query ilike 'listen %' or query = 'select 1')`,
      )
    ).length;

  it('answers how it ended, whoever ran it', async () => {
    await story.start({
      providers: [
        aHandler('ends', (job: Job<string>) => {
          if (job.payload === 'fails') throw new Error('no luck');
          if (job.payload === 'never fits') throw new UnprocessableError('never');
          if (job.payload === 'is not wanted') return JobResult.cancel('nobody wants it');
          return { said: job.payload };
        }, { maxAttempts: 1 }), // prettier-ignore
      ],
    });
    const { queues } = await story.start({ options: NOT_HERE });

    expect(await queues.enqueueAndWait('ends', 'hello')).toEqual({
      id: expect.any(String),
      state: 'succeeded',
      output: { said: 'hello' },
    });
    expect(await queues.enqueueAndWait('ends', 'fails')).toMatchObject({
      state: 'failed',
      error: { message: 'no luck' },
    });
    expect(await queues.enqueueAndWait('ends', 'never fits')).toMatchObject({
      state: 'unprocessable',
      error: { code: 'UNPROCESSABLE' },
    });
    expect(await queues.enqueueAndWait('ends', 'is not wanted')).toMatchObject({
      state: 'cancelled',
      error: { message: 'nobody wants it' },
    });
  });

  it('that registers late returns at once, from archive and dead letter', async () => {
    const application = await story.start({
      providers: [
        aHandler('late', (job) => (job.payload === 'bad' ? JobResult.critical('bad') : 5)),
      ],
    });
    const { id: good } = await application.queues.enqueue('late', 'good');
    const { id: bad } = await application.queues.enqueue('late', 'bad');
    await untilJobIs('succeeded', application, good);
    await untilJobIs('critical', application, bad);
    const { queues } = await story.start({ options: { ...NOT_HERE, ...NO_HINTS } });

    expect(await queues.wait(good)).toEqual({ id: good, state: 'succeeded', output: 5 });
    expect(await queues.wait(bad.toUpperCase())).toMatchObject({
      id: bad,
      state: 'critical',
      error: { message: 'bad' },
    });
  });

  it('in another process hears of it; a lost NOTIFY costs only time', async () => {
    const worker = await new Child(new URL('./child-worker.ts', import.meta.url), {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: 'clock',
    }).ready();
    const hears = await story.start({ options: NOT_HERE });
    const hearsNothing = await story.start({ options: { ...NOT_HERE, ...NO_HINTS } });

    const ends = await Promise.all(
      [hears, hearsNothing].map(({ queues }) =>
        queues.enqueueAndWait('clock', 1, { timeoutMs: patient(10_000) }),
      ),
    );

    expect(ends.map((end) => end.state)).toEqual(['succeeded', 'succeeded']);
    await worker.kill();
  });

  it('does not take a failed attempt of a retried job for its end', async () => {
    const gate = aGate();
    const worker = await story.start({
      providers: [
        aHandler('retried', async (job) => {
          if (job.attempt < 3) throw new Error('not yet');
          await gate.passed;
          return job.attempt;
        }, { backoff: constant({ delayMs: 20 }) }), // prettier-ignore
      ],
    });
    const { queues } = await story.start({ options: NOT_HERE });

    const end = queues.enqueueAndWait('retried', {});
    await eventually(() => expect(worker.seen('retried')).toHaveLength(2));
    gate.open();

    expect(await end).toMatchObject({ state: 'succeeded', output: 3 });
  });

  it('goes on when the worker dies under the job', async () => {
    const child = await new Child(new URL('./child-worker.ts', import.meta.url), {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: 'never',
    }).ready();
    const { queues } = await story.start({ options: NOT_HERE });
    const end = queues.enqueueAndWait('never', {});
    await child.says((line) => line.event === 'started');

    await child.kill();
    await loseLeases(story.database);
    await story.start({ providers: [aHandler('never', () => 'after all')] });

    expect(await end).toMatchObject({ state: 'succeeded', output: 'after all' });
  });

  it('of many shares one listener connection and few statements', async () => {
    const gate = aGate();
    const worker = await story.start({
      providers: [
        aHandler('many', (job) => gate.passed.then(() => job.payload), { concurrency: 100 }),
      ],
    });
    const web = await story.start({ options: { ...NOT_HERE, pollIntervalMs: 60_000 } });
    await eventually(async () => expect(await listeners()).toBe(1));
    const looks = countLooks(web);
    const began = performance.now();

    const ends = Array.from({ length: 100 }, (_, n) => web.queues.enqueueAndWait('many', n));
    await eventually(async () => expect(worker.seen('started')).toHaveLength(100));
    await eventually(async () => expect(await listeners()).toBe(2));
    gate.open();

    expect((await Promise.all(ends)).map((end) => end.output)).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    );
    // However long it took: every second, for those together that are due in a quarter of it.
    expect(looks()).toBeLessThan(60 + (5 * (performance.now() - began)) / 1_000);
    await eventually(async () => expect(await listeners()).toBe(2));
  });

  it('for one job by many gives all of them the same answer', async () => {
    const gate = aGate();
    const { queues, events } = await story.start({
      providers: [aHandler('shared', () => gate.passed.then(() => 'for all'))],
    });
    // Before its key is known to be held, the job must not end.
    events.on('enqueued', ({ outcome }) => void (outcome === 'existing' && gate.open()));
    const { id } = await queues.enqueue('shared', {}, { uniqueKey: 'k' });

    const ends = [
      queues.wait(id),
      queues.wait(id),
      queues.enqueueAndWait('shared', {}, { uniqueKey: 'k' }),
    ];

    expect(await Promise.all(ends)).toEqual(
      ends.map(() => ({ id, state: 'succeeded', output: 'for all' })),
    );
  });

  it("for a caller's id that has ended already answers at once", async () => {
    const { queues } = await story.start({ providers: [aHandler('again', () => 5)] });
    const id = randomUUID();

    const first = await queues.enqueueAndWait('again', {}, { id });

    expect(await queues.enqueueAndWait('again', {}, { id })).toEqual(first);
  });

  it('goes on when the worker of its own process stops: the job may run elsewhere', async () => {
    const both = await story.start({ providers: [aHandler('here', () => 'here')] });
    const end = both.queues.enqueueAndWait('elsewhere', {});
    await both.worker.stop();
    await story.start({ providers: [aHandler('elsewhere', () => 'there')] });
    expect(await end).toMatchObject({ output: 'there' });
  });

  it('learns of a cancel, here and elsewhere', async () => {
    const [here, there] = [
      await story.start({ options: NOT_HERE }),
      await story.start({ options: NOT_HERE }),
    ];
    const { id } = await here.queues.enqueue('cancelled', {});
    const ends = [here.queues.wait(id), there.queues.wait(id)];

    await here.dataSource.transaction((manager) => here.queues.cancel({ id }, { manager }));

    expect(await Promise.all(ends)).toEqual([{ id, state: 'cancelled' }, { id, state: 'cancelled' }]); // prettier-ignore
  });

  it('comes through a restart of every connection', async () => {
    const gate = aGate();
    await story.start({ providers: [aHandler('restarted', () => gate.passed.then(() => 5))] });
    const { queues } = await story.start({ options: NOT_HERE });
    const { id } = await queues.enqueue('restarted', {});
    const end = queues.wait(id);

    await story.database.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    gate.open();

    expect(await end).toMatchObject({ state: 'succeeded', output: 5 });
  });

  describe('ends without an answer', () => {
    it('when its signal has aborted before', async () => {
      const { queues } = await story.start({ options: NOT_HERE });
      const { id } = await queues.enqueue('aborted-before', {});
      const reason = new Error('gone');
      const refused = { code: 'WAIT_ABORTED', cause: reason, message: expect.stringContaining(id) };
      await expect(queues.wait(id, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject(
        refused,
      );
    });

    it('when its time is over; the job goes on', async () => {
      const gate = aGate();
      const application = await story.start({ providers: [aHandler('slow', () => gate.passed)] });
      // The enqueue has its part of it.
      const timeoutMs = scaled(4_000);
      const error: unknown = await application.queues
        .enqueueAndWait('slow', {}, { timeoutMs })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'WAIT_TIMEOUT',
        message: expect.stringContaining(`within ${timeoutMs} ms`),
      });
      gate.open();
      const id = /Job (\S+)/.exec((error as Error).message)![1]!;
      await untilJobIs('succeeded', application, id);
    });

    it('when the caller has lost interest, before or meanwhile', async () => {
      const { queues } = await story.start({
        providers: [aHandler('aborted', never)],
        options: { shutdownGraceMs: 0 },
      });
      const reason = new Error('the client has gone');
      const controller = new AbortController();
      const { id } = await queues.enqueue('aborted', {});

      const end = queues.wait(id, { signal: controller.signal });
      controller.abort(reason);

      await expect(end).rejects.toMatchObject({ code: 'WAIT_ABORTED', cause: reason });
      const late = new AbortController();
      const whileStored = queues.enqueueAndWait('aborted', {}, { signal: late.signal });
      late.abort(reason);
      await expect(whileStored).rejects.toMatchObject({ code: 'WAIT_ABORTED', cause: reason });
      await expect(
        queues.enqueueAndWait('not-enqueued', {}, { signal: controller.signal }),
      ).rejects.toMatchObject({
        code: 'WAIT_ABORTED',
      });
      expect(
        await story.database.query(`select from simple_queue.jobs where queue = 'not-enqueued'`),
      ).toEqual([]);
    });

    it('when nobody knows the job, or no longer', async () => {
      const gate = aGate();
      await story.start({
        providers: [aHandler('forgotten', () => gate.passed)],
        options: { archive: false },
      });
      const { queues } = await story.start({ options: NOT_HERE });
      await expect(queues.wait(randomUUID())).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
      // This process believes that the queue keeps its jobs.
      const end = queues.enqueueAndWait('forgotten', {});
      gate.open();
      await expect(end).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
    });

    it('for a queue that keeps nothing, unless the job stands in the dead letter', async () => {
      const application = await story.start({
        providers: [
          aHandler('unkept', (job) =>
            job.payload === 'bad' ? JobResult.critical('bad') : never(),
          ),
        ],
        options: { shutdownGraceMs: 0, queues: { unkept: { archive: false } } },
      });
      const { queues } = application;
      const { id } = await queues.enqueue('unkept', {});
      await expect(queues.wait(id)).rejects.toMatchObject({ code: 'WAIT_REFUSED' });
      await expect(queues.enqueueAndWait('unkept', {}, { uniqueKey: 'x' })).rejects.toMatchObject({
        code: 'WAIT_REFUSED',
      });
      expect(
        await story.database.query(`select from simple_queue.jobs where unique_key = 'x'`),
      ).toEqual([]);

      const { id: bad } = await queues.enqueue('unkept', 'bad');
      await untilJobIs('critical', application, bad);
      expect(await queues.wait(bad)).toMatchObject({ state: 'critical' });
    });

    it('inside a transaction, given or ambient: it would wait for itself', async () => {
      const { queues, dataSource } = await story.start({
        options: { ...NOT_HERE, transaction: () => ambient },
      });
      let ambient: typeof dataSource.manager | undefined;
      await dataSource.transaction(async (manager) => {
        const given = { manager } as object;
        await expect(queues.enqueueAndWait('inside', {}, given)).rejects.toMatchObject({
          code: 'WAIT_IN_TRANSACTION',
        });
        ambient = manager;
        await expect(queues.enqueueAndWait('inside', {})).rejects.toMatchObject({
          code: 'WAIT_IN_TRANSACTION',
        });
        ambient = undefined;
      });
      expect(
        await story.database.query(`select from simple_queue.jobs where queue = 'inside'`),
      ).toEqual([]);
    });

    it('when the application closes, and after that', async () => {
      const application = await story.start({ options: NOT_HERE });
      const { id } = await application.queues.enqueue('closing', {});
      const ends = [application.queues.wait(id), application.queues.enqueueAndWait('closing', {})];
      const rejected = ends.map((end) => expect(end).rejects.toMatchObject({ code: 'CLOSED' }));
      await eventually(async () =>
        expect(
          await story.database.query(`select from simple_queue.jobs where queue = 'closing'`),
        ).toHaveLength(2),
      );

      await application.close();

      await Promise.all(rejected);
      await expect(application.queues.wait(id)).rejects.toMatchObject({ code: 'CLOSED' });
      await expect(application.queues.enqueueAndWait('closing', {})).rejects.toMatchObject({
        code: 'CLOSED',
      });
      application.storage.signals.startListening('subscriber');
      expect(application.storage.signals['listener']['started']).toBe(false);
      // The server takes a moment to notice that a socket was closed.
      await eventually(async () => expect(await listeners()).toBe(0));
    });

    it.each<[object, string]>([
      [{ timeoutMs: 0 }, 'timeoutMs must be a whole number from 1'],
      [{ timeoutMs: 1e12 }, 'timeoutMs must be a whole number'],
      [{ timeoutMs: '5 parsecs' }, 'timeoutMs must be a whole number'],
      [{ signal: 'stop' }, 'signal must be an AbortSignal'],
      [{ timeout: 5 }, 'timeout is not known (did you mean "timeoutMs"?)'],
      [{ as: 'receipts' }, 'as must be a template'],
    ])('for options like %j', async (options, problem) => {
      const { queues } = await story.start({ options: NOT_HERE });
      const refused = { code: 'INVALID_OPTION', message: expect.stringContaining(problem) };
      await expect(queues.wait(randomUUID(), options)).rejects.toMatchObject(refused);
    });

    it('for an id that is none', async () => {
      const { queues } = await story.start({ options: NOT_HERE });
      await expect(queues.wait('7')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    });
  });

  it('forgets a call that could not be stored', async () => {
    const { queues, storage } = await story.start({ options: NOT_HERE });
    await expect(queues.enqueueAndWait('bad', { n: 1n })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
    await story.database.query('alter table simple_queue.job rename to away');
    await expect(queues.enqueueAndWait('bad', {})).rejects.toMatchObject({
      code: 'DATABASE_ERROR',
    });
    await story.database.query('alter table simple_queue.away rename to job');
    expect(storage.signals).toBeDefined();
    const { watches } = (queues as unknown as { waits: { watches: Map<string, unknown> } }).waits;
    expect(watches.size).toBe(0);
  });
});

function countLooks({ storage }: TestApplication): () => number {
  const { ends } = storage;
  let looks = 0;
  const find = ends.find.bind(ends);
  Object.assign(ends, {
    find: (ids: string[]) => {
      looks++;
      return find(ids);
    },
  });
  return () => looks;
}
