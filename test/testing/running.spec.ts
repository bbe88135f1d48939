import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope, UseGuards, type CanActivate } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncLocalStorage } from 'node:async_hooks';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import {
  constant,
  defineJob,
  JobResult,
  QueueHandler,
  QueueService,
  type Job,
  type JobContext,
} from '../../lib/index.js';
import { QueueAdmin } from '../../lib/admin.js';
import {
  advanceTime,
  clear,
  crashBeforeSettle,
  drain,
  loseLease,
  runInline,
  runNext,
  SimpleQueueTestingModule,
} from '../../lib/testing/testing.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import { aHandler } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { aGate } from '../support/gate.js';
import { patient } from '../support/patience.mjs';
import { UNHURRIED } from '../support/unhurried.js';

const Letters = defineJob({
  queue: 'letters',
  payload: z.object({ to: z.string() }),
  output: z.object({ at: z.coerce.date() }),
});

const context = new AsyncLocalStorage<string>();

@Injectable()
class Doorman implements CanActivate {
  canActivate(): boolean {
    return guarded;
  }
}

@UseGuards(Doorman)
@Injectable({ scope: Scope.REQUEST })
@QueueHandler('requests')
class Guarded {
  constructor(@Inject(REQUEST) private readonly job: Job) {}

  process(): unknown {
    return { job: this.job.id, context: context.getStore() };
  }
}

let database: TestDatabase;
let app: TestingModule;
let queues: QueueService;
let starts: unknown[];
let guarded = true;
/** What the handler of queue `any` does. */
let work: (job: Job<never>, context: JobContext) => unknown;

const noteStart = (job: Job<never>, context: JobContext) => {
  starts.push(job.payload);
  return work(job, context);
};

beforeAll(async () => {
  database = await aDatabase();
  app = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 }),
      SimpleQueueTestingModule.forRootAsync({
        useFactory: () => ({
          maxAttempts: 2,
          queues: {
            strict: { ordered: true },
            turns: { fair: true },
            paced: { rate: { limit: 1, perMs: 3_600_000 } },
            fleet: { fleetConcurrency: 5 },
            keyed: { perKey: { by: 'key', rate: { limit: 1, perMs: 3_600_000 } } },
          },
          limits: { slow: { rate: { limit: 1, perMs: 3_600_000 } }, partner: { concurrency: 5 } },
        }),
      }),
    ],
    providers: [
      ...['any', 'strict', 'turns'].map((queue) => aHandler(queue, noteStart)),
      Guarded,
      aHandler('letters', () => ({ at: '2030-01-01T00:00:00Z' })),
      ...['paced', 'fleet', 'keyed'].map((queue) => aHandler(queue, noteStart)),
      aHandler('calls', noteStart, { uses: ['partner'] }),
      aHandler('slow', noteStart, { uses: ['slow'] }),
      aHandler('linger', (jobs) => void starts.push(jobs), {
        batch: { size: 5, lingerMs: 60_000 },
      }),
      aHandler('ledger', noteStart, { transactional: true }),
      aHandler('batches', (jobs) => (jobs as unknown as Job[]).map((job) => job.payload), {
        batch: { size: 5 },
      }),
    ],
  }).compile();
  app.useLogger(false);
  await app.init();
  queues = app.get(QueueService);
  await database.query('create table effect (value text)');
});

beforeEach(() => {
  starts = [];
  work = () => undefined;
});

afterEach(async () => {
  expect(await database.query(CHECK_PLACES.text)).toEqual([]);
  await clear(app);
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

describe('runNext', () => {
  it('runs the most urgent due job and no other, and answers its output', async () => {
    await queues.enqueue('any', 'second');
    const first = await queues.enqueue('any', 'first', { priority: -1 });
    await queues.enqueue('any', 'later', { delayMs: 60_000, priority: -2 });
    work = () => ({ sent: 1 });
    expect(await runNext(app)).toEqual({
      ...{ id: first.id, queue: 'any', name: '', attempt: 1, outcome: 'succeeded' },
      ...{ output: { sent: 1 }, runMs: expect.any(Number) },
    });
    expect(starts).toEqual(['first']);
    expect(await queues.find(first.id)).toMatchObject({ state: 'succeeded', output: { sent: 1 } });
  });

  it('tells a failure with its error, and how a job ended badly', async () => {
    await queues.enqueue('any', 1, { backoff: constant({ delayMs: 0 }) });
    work = () => {
      throw new TypeError('no address');
    };
    const error = expect.objectContaining({ name: 'TypeError', message: 'no address' });
    expect(await runNext(app, 'any')).toMatchObject({ outcome: 'retried', attempt: 1, error });
    expect(await runNext(app, 'any')).toMatchObject({
      outcome: 'failed',
      state: 'failed',
      attempt: 2,
      error,
    });
  });

  it('reads the output of a template, and tells one template from another', async () => {
    await queues.enqueue('any', 1);
    await queues.enqueue(Letters, { to: 'ann' });
    const ran = await runNext(app, Letters);
    expect(ran.output?.at).toEqual(new Date(Date.UTC(2030, 0)));
    expect(starts).toEqual([]);
  });

  it('runs what stands in turn, in a fair queue, and what a batch handler takes', async () => {
    await queues.enqueueMany('strict', [{ payload: 1 }, { payload: 2 }]);
    await queues.enqueue('turns', 3, { group: 'a' });
    await queues.enqueue('batches', 4);
    for (const queue of ['strict', 'strict', 'turns', 'batches'])
      expect(await runNext(app, queue)).toMatchObject({ outcome: 'succeeded' });
    expect(starts).toEqual([1, 2, 3]);
  });

  it('keeps what a run said last of its progress, in line as well', async () => {
    work = (_, context) => {
      context.progress(0.2);
      context.progress({ done: 3, of: 4 });
    };
    const said = { share: 0.75, attempt: 1 };
    const { id } = await queues.enqueue('any', 1);
    await runNext(app);
    expect((await queues.find(id))!.progress).toMatchObject(said);
    const stop = runInline(app);
    const inLine = await queues.enqueue('any', 2);
    stop();
    expect((await queues.find(inLine.id))!.progress).toMatchObject(said);
  });

  it('settles a transactional handler in its transaction', async () => {
    const { id } = await queues.enqueue('ledger', 1);
    work = (_, { manager }) => manager.query(`insert into effect values ('once')`);
    expect(await runNext(app)).toMatchObject({ id, outcome: 'succeeded' });
    expect(await database.query('delete from effect returning value')).toEqual([{ value: 'once' }]);
  });

  it('answers the output that a handler completed with in its own transaction', async () => {
    await queues.enqueue('any', 1);
    work = (_, context) =>
      app.get(DataSource).transaction((manager) => context.complete({ done: 1 }, { manager }));
    expect(await runNext(app)).toMatchObject({ outcome: 'succeeded', output: { done: 1 } });
  });

  it("calls handlers as a worker does: by guards, with the job as the request, and in nobody else's context", async () => {
    const { id } = await queues.enqueue('requests', 1);
    expect(await context.run('of the test', () => runNext(app))).toMatchObject({
      id,
      output: { job: id },
    });
    expect((await queues.find(id))?.output).toEqual({ job: id });
    guarded = false;
    await queues.enqueue('requests', 2);
    expect(await runNext(app)).toMatchObject({
      outcome: 'retried',
      error: { name: 'ForbiddenException' },
    });
    guarded = true;
  });

  it('ends a cancelled job, and aborts one that is cancelled while it runs', async () => {
    const { id } = await queues.enqueue('any', 1);
    work = async (_, { signal }) => {
      await queues.cancel({ id });
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      return JobResult.cancel('asked to stop');
    };
    expect(await runNext(app)).toMatchObject({ id, outcome: 'cancelled' });
  });

  it('says what waits where nothing is due', async () => {
    await expect(runNext(app)).rejects.toMatchObject({
      code: 'NOTHING_DUE',
      message: expect.stringContaining('No job waits'),
    });
    await queues.enqueue('any', 1, { delayMs: 60_000 });
    await queues.enqueue('letters', { to: 'bob' });
    await app.get(QueueAdmin).pause('letters');
    await expect(runNext(app)).rejects.toThrow(
      /1 scheduled in "any" \(the first in \d+ ms\), 1 ready in "letters" \(paused\)/,
    );
  });

  it('refuses wrong names, queues without a handler, wrong options and strange applications', async () => {
    await expect(runNext(app, 'no such queue!')).rejects.toMatchObject({ code: 'INVALID_NAME' });
    await expect(runNext(app, 'unknown')).rejects.toMatchObject({
      code: 'HANDLER_MISSING',
      message: expect.stringMatching(/"any"/),
    });
    await expect(runNext(app, 'any', { timeoutMs: 0 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    await expect(runNext(app, 'any', { instance: 'other' })).rejects.toThrow(
      /no SimpleQueueModule instance "other".*"default"/,
    );
    await expect(runNext({} as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('gives up a handler that hangs, names it, and gives its job back', async () => {
    const { id } = await queues.enqueue('any', 1);
    const gate = aGate();
    work = () => gate.passed;
    await expect(runNext(app, 'any', { timeoutMs: 50 })).rejects.toThrow(
      /Job .* of queue "any" \(TestHandler.process\) still ran after 50 ms/,
    );
    gate.open();
    expect(await queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
  });
});

describe('drain', () => {
  it('gives up a handler that hangs, names it, and gives its job back', async () => {
    const { id } = await queues.enqueue('any', 1);
    const gate = aGate();
    work = () => gate.passed;
    await expect(drain(app, { timeoutMs: patient(1_500) })).rejects.toMatchObject({
      code: 'RUN_TIMEOUT',
      message: `Work is left after the timeout: job ${id} of queue "any" (TestHandler.process) still runs. A handler may hang, or enqueue as fast as it works; raise timeoutMs.`,
    });
    gate.open();
    expect(await queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
    await expect(drain(app, { timeoutMs: 1.5 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each(['paced', 'slow', 'keyed', 'linger'])(
    'waits neither for a rate nor for a batch: %s',
    async (queue) => {
      const items = [1, 2].map((n) => ({ payload: { n, key: 'a' } }));
      // The first round declares what the second one finds.
      for (let round = 0; round < 2; round++) {
        await queues.enqueueMany(queue, items);
        expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 2 });
      }
    },
  );

  it.each([
    ['any', 'any'],
    ['fleet', 'fleet'],
    ['calls', 'partner'],
  ])('waits for no rest of a limit, and advanceTime ends it: %s', async (queue, limit) => {
    const rest = async () =>
      (await app.get(QueueAdmin).limits()).find(({ name }) => name === limit)?.restsUntil;
    work = () => starts.length === 1 && JobResult.retryIn(60_000, { slowDown: true });
    await queues.enqueue(queue, 1);
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 0, rescheduled: 1 });
    expect(await rest()).toBeInstanceOf(Date);
    await queues.enqueue(queue, 2);
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 1, rescheduled: 0 });
    await advanceTime(app, 60_000);
    expect(await rest()).toBeUndefined();
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 1 });
    expect(starts).toEqual([1, 2, 1]);
  });

  it('says that the application has not started, instead of zeros', async () => {
    const early = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 }),
        SimpleQueueTestingModule.forRoot(),
      ],
      providers: [aHandler('any', noteStart)],
    }).compile();
    early.useLogger(false);
    await expect(drain(early)).rejects.toMatchObject({
      code: 'MODULE_INVALID',
      message: expect.stringContaining('Await app.init()'),
    });
    await early.init();
    expect(await drain(early)).toMatchObject({ succeeded: 0 });
    await early.close();
  });
});

describe('faults', () => {
  it('crash before the settle: the handler ran, and its job starts a second time', async () => {
    const { id } = await queues.enqueue('any', 'mail');
    expect(await crashBeforeSettle(app)).toEqual({
      id,
      queue: 'any',
      name: '',
      attempt: 1,
      outcome: 'crashed',
    });
    expect(await queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
    expect(await runNext(app)).toMatchObject({ id, outcome: 'succeeded', attempt: 1 });
    expect(starts).toEqual(['mail', 'mail']);
  });

  it('crash before the settle: the transaction of a transactional handler rolls back', async () => {
    await queues.enqueue('ledger', 1);
    work = (_, { manager }) => manager.query(`insert into effect values ('again')`);
    await crashBeforeSettle(app, 'ledger');
    expect(await database.query('select from effect')).toEqual([]);
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 1 });
    expect(await database.query('delete from effect returning value')).toEqual([
      { value: 'again' },
    ]);
  });

  it('a job whose worker dies again and again is poisoned', async () => {
    const { id } = await queues.enqueue('any', 1);
    for (let death = 0; death < 5; death++) await crashBeforeSettle(app, 'any');
    expect(await queues.find(id)).toMatchObject({ state: 'poisoned', stalls: 3 });
  });

  it('a lost lease aborts the run, makes its answer late, and lets the job run again', async () => {
    const { id } = await queues.enqueue('any', 1);
    let reason: unknown;
    work = async (job, { signal }) => {
      if (starts.length > 1) return;
      const aborted = new Promise((resolve) =>
        signal.addEventListener('abort', resolve, { once: true }),
      );
      await loseLease(app, job.id);
      await aborted;
      reason = signal.reason;
    };
    expect(await runNext(app)).toMatchObject({ id, outcome: 'leaseLost' });
    expect(reason).toMatchObject({ code: 'LEASE_LOST' });
    expect(await runNext(app)).toMatchObject({ id, outcome: 'succeeded', attempt: 1 });
    await expect(loseLease(app, id)).rejects.toMatchObject({ code: 'JOB_NOT_RUNNING' });
    await expect(loseLease(app, 'x')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('a lease lost during a drain starts the job again in that drain', async () => {
    await queues.enqueue('any', 1);
    work = (job) => (starts.length === 1 ? loseLease(app, job.id) : undefined);
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 1 });
    expect(starts).toEqual([1, 1]);
  });
});

describe('runInline', () => {
  let stop: () => void;

  beforeEach(() => {
    stop = runInline(app, UNHURRIED);
  });
  afterEach(() => stop());

  it('has run the job when enqueue answers, with what its handler enqueued', async () => {
    work = async (job, context) =>
      void ((job.payload as string) === 'first' && (await context.enqueue('any', 'second')));
    const { id } = await queues.enqueue('any', 'first');
    expect(starts).toEqual(['first', 'second']);
    expect((await queues.find(id))?.state).toBe('succeeded');
    await Promise.all([
      queues.enqueue('any', 3),
      queues.enqueueMany('any', [{ payload: 4 }, { payload: 5 }]),
    ]);
    expect(starts.slice(2).sort()).toEqual([3, 4, 5]);
    expect((await queues.enqueueAndWait(Letters, { to: 'ann' })).output).toEqual({
      at: new Date(Date.UTC(2030, 0)),
    });
  });

  it("runs in nobody's context, not in that of who enqueues", async () => {
    work = () => void starts.push(context.getStore());
    await context.run('of the caller', () => queues.enqueue('any', 1));
    expect(starts).toEqual([1, undefined]);
  });

  it('runs after the commit, which waits for it, and not where the transaction rolls back', async () => {
    await app.get(DataSource).transaction(async (manager) => {
      await queues.enqueue('any', 'committed', { manager });
      await manager.transaction((nested) => queues.enqueue('any', 'nested', { manager: nested }));
      expect(starts).toEqual([]);
    });
    expect(starts).toEqual(['committed', 'nested']);
    const failing = app.get(DataSource).transaction(async (manager) => {
      await queues.enqueue('any', 'never', { manager });
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    await queues.enqueue('any', 'after');
    expect(starts.slice(2)).toEqual(['after']);
  });

  it('runs after each of several commits, whatever commits first', async () => {
    const dataSource = app.get(DataSource);
    const gate = aGate();
    const slow = dataSource.transaction(async (manager) => {
      await queues.enqueue('any', 'slow', { manager });
      await gate.passed;
    });
    await dataSource.transaction((manager) => queues.enqueue('any', 'quick', { manager }));
    gate.open();
    await slow;
    expect(starts).toEqual(['quick', 'slow']);
  });

  it('throws no error of a handler, leaves the future alone, and gives up what hangs', async () => {
    work = () => {
      throw new Error('wrong');
    };
    const { id } = await queues.enqueue('any', 1, { backoff: constant({ delayMs: 3_600_000 }) });
    expect(await queues.find(id)).toMatchObject({
      state: 'scheduled',
      attempt: 1,
      lastError: { message: 'wrong' },
    });
    await queues.enqueue('any', 2, { delayMs: 60_000 });
    expect(starts).toEqual([1]);
    expect(() => runInline(app)).toThrow(/on already/);
    stop();
    stop = runInline(app, { timeoutMs: 50 });
    const gate = aGate();
    work = () => gate.passed;
    await expect(queues.enqueueAndWait('any', 3)).rejects.toMatchObject({
      code: 'RUN_TIMEOUT',
      message: expect.stringMatching(/still ran after \d+ ms\./),
    });
    gate.open();
  });

  it('ends: the next job waits', async () => {
    stop();
    await queues.enqueue('any', 1);
    expect(starts).toEqual([]);
  });
});
