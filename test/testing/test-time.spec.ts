import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  JobResult,
  QueueService,
  QueueWorker,
  SimpleQueueModule,
  type SimpleQueueOptions,
} from '../../lib/index.js';
import { JobQueue } from '../../lib/pull.js';
import { QueueAdmin } from '../../lib/admin.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import { ADVANCE_TIME } from '../../lib/testing/sql/advance-time.sql.js';
import { CLEAR } from '../../lib/testing/sql/clear.sql.js';
import {
  advanceTime,
  clear,
  crashBeforeSettle,
  drain,
  loseLease,
  runNext,
  SimpleQueueTestingModule,
} from '../../lib/testing/testing.js';
import { aHandler } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { UNHURRIED } from '../support/unhurried.js';

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

let database: TestDatabase;
let app: TestingModule;
let queues: QueueService;
let fail: boolean;
let again: boolean;

beforeAll(async () => {
  database = await aDatabase();
  app = await started([
    SimpleQueueTestingModule.forRoot({ queues: { strict: { ordered: true, onDeadJob: 'skip' } } }),
  ]);
  queues = app.get(QueueService);
});

afterEach(async () => {
  fail = again = false;
  expect(await database.query(CHECK_PLACES.text)).toEqual([]);
  await clear(app);
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

function typeorm() {
  return TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 });
}

async function started(
  modules: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>,
): Promise<TestingModule> {
  const handler = aHandler('any', () => {
    if (fail) throw new Error('wrong');
    return again ? JobResult.rescheduleIn(DAY_MS) : undefined;
  });
  const module = await Test.createTestingModule({
    imports: [typeorm(), ...modules],
    providers: [handler],
  }).compile();
  module.useLogger(false);
  return module.init();
}

describe('advanceTime', () => {
  it('makes what was scheduled due, and runs nothing', async () => {
    const { id } = await queues.enqueue('any', 1, { delayMs: 60 * MINUTE_MS });
    await advanceTime(app, 59 * MINUTE_MS);
    await expect(runNext(app)).rejects.toMatchObject({ code: 'NOTHING_DUE' });
    await advanceTime(app, MINUTE_MS);
    expect(await queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 1 });
  });

  it('ends a job that has rescheduled itself for too long', async () => {
    const { id } = await queues.enqueue('any', 1);
    again = true;
    for (let day = 0; day < 9; day++) {
      await drain(app, UNHURRIED);
      await advanceTime(app, DAY_MS);
    }
    expect(await queues.find(id)).toMatchObject({ state: 'expired', reschedules: 7 });
  });

  it('ends the rest between two attempts', async () => {
    const { id } = await queues.enqueue('any', 1);
    fail = true;
    expect(await runNext(app)).toMatchObject({ outcome: 'retried' });
    await advanceTime(app, 5_000);
    fail = false;
    expect(await runNext(app)).toMatchObject({ id, outcome: 'succeeded', attempt: 2 });
  });

  it('lets leases lapse: what they held is given back', async () => {
    const { id } = await queues.enqueue('any', 1);
    const jobs = app.get(JobQueue);
    const { leaseId } = await jobs.claim({
      workerId: 'remote',
      leaseMs: MINUTE_MS,
      queues: ['any'],
      limit: 1,
    });
    await advanceTime(app, 2 * MINUTE_MS);
    await expect(jobs.complete(leaseId, id)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await queues.find(id)).toMatchObject({ state: 'ready' });
  });

  it('expires what was staged, and hands its turn on', async () => {
    const { id } = await queues.enqueue('strict', 1, { staged: true, commitWithinMs: MINUTE_MS });
    const second = await queues.enqueue('strict', 2);
    await advanceTime(app, MINUTE_MS);
    expect((await queues.find(id))?.state).toBe('expired');
    expect((await queues.find(second.id))?.state).toBe('ready');
  });

  it('ends the period of a throttled key', async () => {
    const throttle = {
      uniqueKey: 'key',
      onConflict: 'throttle',
      periodMs: 60 * MINUTE_MS,
    } as const;
    await queues.enqueue('any', 1, throttle);
    await drain(app, UNHURRIED);
    expect(await queues.enqueue('any', 2, throttle)).toMatchObject({ outcome: 'throttled' });
    await advanceTime(app, 60 * MINUTE_MS);
    expect(await queues.enqueue('any', 3, throttle)).toMatchObject({ outcome: 'created' });
  });

  it('lets go of what archive and dead letter have kept long enough: whole days of the one, whole weeks of the other', async () => {
    const { id } = await queues.enqueue('any', 1);
    const dead = await queues.enqueue('any', 2, { maxAttempts: 1 });
    await runNext(app);
    fail = true;
    await runNext(app);
    await advanceTime(app, 8 * DAY_MS);
    expect(await queues.find(id)).toBeUndefined();
    expect((await queues.find(dead.id))?.state).toBe('failed');
    await advanceTime(app, 30 * DAY_MS);
    expect(await queues.find(dead.id)).toBeUndefined();
    const { id: later } = await queues.enqueue('any', 3);
    fail = false;
    await runNext(app);
    expect((await queues.find(later))?.state).toBe('succeeded');
  });

  it('refuses times that are none', async () => {
    for (const ms of [0, -1, 1.5, NaN, 1e15, '5' as never])
      await expect(advanceTime(app, ms)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('moves every stored time of a job, and clear deletes from every table of jobs: a new table has to be thought of here', async () => {
    const columns = await database.query<{ table: string; column: string }>(
      `select table_name as table, column_name as column from information_schema.columns c
       where table_schema = 'simple_queue' and data_type = 'timestamp with time zone' and table_name !~ '_(p\\d+|default)$'
         and exists (select from pg_class where relnamespace = 'simple_queue'::regnamespace and relname = table_name and relkind in ('r', 'p'))`,
    );
    const moved = (table: string, column: string) =>
      new RegExp(
        `update simple_queue\\.${table} set [^;()]*(\\([^()]*\\)[^;()]*)*\\b${column} = ${column} - `,
      ).test(ADVANCE_TIME.text);
    expect(columns.length).toBeGreaterThan(20);
    const unmoved = columns
      .filter(({ table, column }) => !moved(table, column))
      .map(({ table, column }) => `${table}.${column}`);
    // Lanes, pauses, shares of limits and acts of operators are the application's, not of its jobs.
    expect(unmoved.toSorted()).toEqual([
      ...['allotment.expires_at', 'allotment.turn_at'],
      ...['fleet_limit.set_at', 'headroom.counted_at'],
      ...['lane.created_at', 'lane.pulled_at', 'lane.served_at', 'lane.unused_at'],
      ...['operator_action.at', 'operator_action.ended_at', 'queue.paused_at'],
    ]);
    const tables = await database.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'simple_queue'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    const kept = tables
      .map(({ name }) => name)
      .filter((name) => !CLEAR.text.includes(`delete from simple_queue.${name} `));
    const ofTheApplication = [
      'allotment',
      'fleet_limit',
      'lane',
      'migration',
      'outcome',
      'queue',
      'version',
    ];
    expect(kept.sort()).toEqual(ofTheApplication);
  });
});

describe('clear', () => {
  it('deletes jobs wherever they are, resumes queues, and leaves the application at work', async () => {
    await queues.enqueue('any', 0);
    await runNext(app);
    await queues.enqueueMany('strict', [{ payload: 1 }, { payload: 2 }]);
    await queues.enqueue('any', 3, { delayMs: 5_000, uniqueKey: 'key' });
    await queues.enqueue('any', 4, { staged: true });
    await queues.enqueue('any', 6);
    await crashBeforeSettle(app);
    await app.get(QueueAdmin).pause('any');
    expect(await clear(app)).toBe(6);
    expect(await clear(app)).toBe(0);
    expect(await queues.enqueue('any', 5, { uniqueKey: 'key' })).toMatchObject({ created: true });
    expect(await drain(app, UNHURRIED)).toMatchObject({ succeeded: 1 });
  });

  it('is refused, as the moving of times is, where another process works the schema', async () => {
    await database.query(
      `insert into simple_queue.lease (id, shard, worker, expires_at) values (gen_random_uuid(), 0, 'elsewhere:1', now() + interval '1 hour')`,
    );
    const refused = { code: 'WORKERS_LIVE', message: expect.stringContaining('"elsewhere:1"') };
    await expect(clear(app)).rejects.toMatchObject(refused);
    await expect(advanceTime(app, 5)).rejects.toMatchObject(refused);
    await database.query('delete from simple_queue.lease');
  });
});

describe('the testing module', () => {
  const aModule = (options: SimpleQueueOptions) => {
    @Module({ imports: [SimpleQueueModule.forRoot(options)] })
    class AppModule {}
    return AppModule;
  };

  it('takes the place of the module that an application imports itself', async () => {
    const builder = Test.createTestingModule({ imports: [typeorm(), aModule({ schema: 'own' })] });
    const whole = await SimpleQueueTestingModule.override(builder).compile();
    whole.useLogger(false);
    await whole.init();
    await whole.get(QueueService).enqueue('any', 1);
    expect(whole.get(QueueWorker).isRunning).toBe(false);
    expect(await clear(whole)).toBe(1);
    await whole.close();
  });

  it('keeps schemas, and named instances, apart', async () => {
    const [unnamed, named] = [{ schema: 'one' }, { name: 'two', schema: 'two' }];
    const both = await started([
      SimpleQueueTestingModule.forRoot(unnamed),
      SimpleQueueTestingModule.forRoot(named),
    ]);
    await both.get(QueueService).enqueue('any', 1);
    await expect(runNext(both, undefined, { instance: 'two' })).rejects.toMatchObject({
      code: 'HANDLER_MISSING',
    });
    expect(await clear(both, { instance: 'two' })).toBe(0);
    expect(await clear(both)).toBe(1);
    await both.close();
  });

  it('is asked for by whatever deletes, moves or breaks; and no helper runs beside loops, or where no worker may be', async () => {
    const real = await started([SimpleQueueModule.forRoot({ schema: 'own' })]);
    const missing = { code: 'TEST_MODULE_MISSING' };
    await expect(clear(real)).rejects.toMatchObject(missing);
    await expect(advanceTime(real, 5)).rejects.toMatchObject(missing);
    await expect(crashBeforeSettle(real)).rejects.toMatchObject(missing);
    await expect(loseLease(real, '018f0000-0000-7000-8000-000000000000')).rejects.toMatchObject(
      missing,
    );
    await expect(runNext(real)).rejects.toMatchObject({ code: 'WORKER_RUNNING' });
    await real.get(QueueService).enqueue('any', 1);
    expect(await drain(real, UNHURRIED)).toMatchObject({ failed: 0 });
    await real.close();
    const idle = await started([
      SimpleQueueTestingModule.forRoot({ schema: 'own', worker: false }),
    ]);
    await expect(runNext(idle)).rejects.toMatchObject({ code: 'WORKER_DISABLED' });
    await expect(drain(idle)).rejects.toMatchObject({ code: 'WORKER_DISABLED' });
    await idle.close();
  });
});
