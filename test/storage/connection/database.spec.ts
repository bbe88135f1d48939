import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { Outage } from '../../../lib/observability/outage.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { Run } from '../../../lib/storage/connection/database.js';
import { DatabaseError } from '../../../lib/storage/connection/database-errors.js';
import type { NewJob } from '../../../lib/job/new-job.js';
import { statement } from '../../../lib/storage/connection/statement.js';
import { anEmptyDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import {
  aDataSource,
  aStorage,
  openStorage,
  Rival,
  runIn,
  type TestStorage,
  waitingBackends,
} from '../../support/storage.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { scaled } from '../../support/patience.mjs';

const CANARY = 'canary-4711';
const SLEEP = statement('sleep', 'select pg_sleep(30)');
const NAP = statement('nap', 'select pg_sleep(0.3)');
const ONE = statement('one', 'select 1 as one');

describe('the database', () => {
  let test: TestStorage;
  let queues: QueueService;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, resolveOptions({}).options, new QueueEventBus());
    await test.storage.lanes.of('mail', '');
  });
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  const aBadJob = (): NewJob => ({
    id: '00000000-0000-7000-8000-000000000001',
    lane: test.storage.lanes.find('mail', '')!,
    priority: 0,
    payload: `{"secret": "${CANARY}"`,
    givenId: false,
  });
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => Promise.reject(new Error('It did not fail.')),
      (error: DatabaseError) => error,
    );
  const everythingOf = (error: Error) =>
    `${error.message} ${error.stack} ${JSON.stringify(error)} ${JSON.stringify(error.cause ?? '')}`;

  describe("a caller's manager", () => {
    it('of another database is refused', async () => {
      const other = await anEmptyDatabase();
      const foreign = await aDataSource(other.url);
      const order = foreign.transaction((manager) => queues.enqueue('mail', 1, { manager }));
      await expect(order).rejects.toMatchObject({ code: 'MANAGER_FOREIGN' });
      await foreign.destroy();
      await other.drop();
    });

    it('of a query runner on a replica is refused, unless that is the same database', async () => {
      const other = await anEmptyDatabase();
      for (const [slave, code] of [
        [other.url, 'MANAGER_FOREIGN'],
        [test.database.url, undefined],
      ] as const) {
        const replication = { master: { url: test.database.url }, slaves: [{ url: slave }] };
        const replicated = await aDataSource(test.database.url, { url: undefined, replication });
        const runner = replicated.createQueryRunner('slave');
        await runner.startTransaction();
        const order = queues.enqueue('mail', 1, { manager: runner.manager });
        const answer = await order.catch((error: unknown) => error);
        expect(answer).toMatchObject(code ? { code } : { created: true });
        await runner.rollbackTransaction();
        await runner.release();
        const { id } = await replicated.transaction((manager) => queues.enqueue('mail', 1, { manager })); // prettier-ignore
        expect(await queues.find(id)).toMatchObject({ state: 'ready' });
        await replicated.destroy();
      }
      await other.drop();
    });

    it('of another DataSource of the same database is joined', async () => {
      const twin = await aDataSource(test.database.url);
      const { id } = await twin.transaction((manager) => queues.enqueue('mail', 1, { manager }));
      expect(await queues.find(id)).toMatchObject({ state: 'ready' });
      await twin.destroy();
    });

    it('that is none is refused by each call, and nothing is stored outside the transaction that was meant', async () => {
      const { dataSource } = test;
      const none = [
        null,
        false,
        0,
        NaN,
        '',
        7,
        true,
        'x',
        {},
        [],
        new Map(),
        () => 1,
        { isTransactionActive: true },
        dataSource,
      ];
      const id = '00000000-0000-7000-8000-000000000001';
      for (const manager of none as never[])
        for (const call of [
          queues.enqueue('mail', 1, { manager }),
          queues.enqueueMany('mail', [{ payload: 1 }], { manager }),
          queues.cancel({ fingerprint: 'tag' }, { manager }),
          queues.commit(id, { manager }),
          queues.abort(id, { manager }),
          queues.find(id, { manager }),
        ])
          expect(await failureOf(call)).toMatchObject({ code: 'INVALID_OPTION' });
      expect(await test.database.query('select from simple_queue.job')).toEqual([]);
    });

    it('in options with a slip is not overlooked', async () => {
      const id = '00000000-0000-7000-8000-000000000001';
      for (const options of [{ manger: {} }, null, [], 'manager', 7] as never[])
        for (const call of [
          queues.enqueueMany('mail', [{ payload: 1 }], options),
          queues.cancel({ fingerprint: 'tag' }, options),
          queues.commit(id, options),
          queues.abort(id, options),
          queues.find(id, options),
        ])
          expect(await failureOf(call)).toMatchObject({ code: 'INVALID_OPTION' });
    });

    it('without a transaction is refused, for enqueue, cancel and find', async () => {
      const { manager } = test.dataSource;
      const refusal = { code: 'MANAGER_INACTIVE' };
      await expect(queues.enqueue('mail', 1, { manager })).rejects.toMatchObject(refusal);
      await expect(queues.enqueueMany('mail', [{ payload: 1 }], { manager })).rejects.toMatchObject(
        refusal,
      );
      await expect(queues.cancel({ fingerprint: 'tag' }, { manager })).rejects.toMatchObject(
        refusal,
      );
      await expect(
        queues.find('00000000-0000-7000-8000-000000000001', { manager }),
      ).rejects.toMatchObject(refusal);
    });

    it.each([null, 0, '', 'manager', {}, []])(
      'that is none is refused, and nothing happens outside of a transaction: %j',
      async (manager) => {
        const given = { manager } as never;
        const id = '00000000-0000-7000-8000-000000000001';
        const refusal = {
          code: 'INVALID_OPTION',
          message: expect.stringContaining('manager must be'),
        };
        await expect(queues.enqueue('mail', 1, given)).rejects.toMatchObject(refusal);
        await expect(queues.enqueueMany('mail', [{ payload: 1 }], given)).rejects.toMatchObject(
          refusal,
        );
        await expect(queues.enqueueAndWait('mail', 1, given)).rejects.toMatchObject(refusal);
        for (const call of [() => queues.cancel({ id }, given), () => queues.commit(id, given), () => queues.abort(id, given), () => queues.find(id, given)]) await expect(call()).rejects.toMatchObject(refusal); // prettier-ignore
        expect(await test.database.query('select from simple_queue.job')).toHaveLength(0);
      },
    );

    it('stands in the options: as the options themselves it would not be found', async () => {
      const refusal = { code: 'INVALID_OPTION' };
      await test.dataSource.transaction(async (manager) => {
        await expect(
          queues.enqueueMany('mail', [{ payload: 1 }], manager as never),
        ).rejects.toMatchObject(refusal);
        await expect(queues.cancel({ fingerprint: 'tag' }, manager as never)).rejects.toMatchObject(
          refusal,
        );
      });
      await expect(
        queues.enqueueMany('mail', [{ payload: 1 }], { maxpending: 1 } as never),
      ).rejects.toMatchObject(refusal);
      await expect(queues.cancel({ fingerprint: 'tag' }, null as never)).rejects.toMatchObject(
        refusal,
      );
      expect(await test.database.query('select from simple_queue.job')).toHaveLength(0);
    });

    it('may be a query runner, with or without a transaction of its own', async () => {
      const runner = test.dataSource.createQueryRunner();
      await expect(queues.enqueue('mail', 1, { manager: runner })).rejects.toMatchObject({
        code: 'MANAGER_INACTIVE',
      });
      await runner.startTransaction();
      const { id } = await queues.enqueue('mail', 1, { manager: runner });
      expect(await queues.find(id)).toBeUndefined();
      expect(await queues.find(id, { manager: runner.manager })).toMatchObject({ state: 'ready' });
      await runner.commitTransaction();
      await runner.release();
      expect(await queues.find(id)).toMatchObject({ state: 'ready' });
    });
  });

  describe('errors', () => {
    it('carry the SQLSTATE and no value of a row', async () => {
      const error = await failureOf(test.storage.enqueues.insert([aBadJob()]));
      expect(error).toMatchObject({
        name: 'DatabaseError',
        code: 'DATABASE_ERROR',
        sqlState: '22P02',
      });
      expect(everythingOf(error)).not.toContain(CANARY);
    });

    it("carry no value of a row in a caller's transaction either", async () => {
      const error = await failureOf(
        test.dataSource.transaction((manager) =>
          test.storage.enqueues.insertIn(runIn(test.storage, manager), [aBadJob()]),
        ),
      );
      expect(error).toMatchObject({ name: 'DatabaseError', sqlState: '22P02' });
      expect(everythingOf(error)).not.toContain(CANARY);
    });

    it('carry no value of a row that a constraint refused', async () => {
      const job = { ...aBadJob(), payload: `"${CANARY}"`, priority: 99_999 };
      const tooLong = { ...aBadJob(), payload: '1', uniqueKey: CANARY.repeat(100) };
      for (const bad of [job, tooLong]) {
        const error = await failureOf(test.storage.enqueues.insert([bad]));
        expect(error).toBeInstanceOf(DatabaseError);
        expect(everythingOf(error)).not.toContain(CANARY);
      }
    });

    it('of a server that is gone say so, in a transaction as well as without one', async () => {
      const proxy = await TcpProxy.start(test.database.url);
      const dataSource = await aDataSource(proxy.url);
      const storage = await openStorage(dataSource, { wakeUp: 'off' });
      proxy.refuse();
      proxy.reset();
      const known = { ...aBadJob(), payload: '1', givenId: true };
      for (const givenId of [true, false, true]) {
        const attempt = storage.enqueues.insert([{ ...known, givenId }]);
        await expect(attempt).rejects.toMatchObject({
          name: 'DatabaseError',
          code: 'DATABASE_UNAVAILABLE',
        });
      }
      await proxy.pass();
      expect(await eventually(() => storage.enqueues.insert([known]))).toMatchObject([
        { created: true },
      ]);
      await storage.onApplicationShutdown();
      await dataSource.destroy();
      proxy.stop();
    });
  });

  describe('connections', () => {
    it('get out of half-open sockets and heal by themselves', async () => {
      const proxy = await TcpProxy.start(test.database.url);
      const dataSource = await aDataSource(proxy.url);
      const given = { queryTimeoutMs: scaled(300), wakeUp: 'off' } as const;
      const storage = await eventually(() => openStorage(dataSource, given));
      await eventually(() =>
        Promise.all(Array.from({ length: 6 }, () => storage.database.loops.run(ONE, []))),
      );
      proxy.blackHole();

      const error = await failureOf(storage.database.loops.run(ONE, []));
      expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', sqlState: undefined });
      expect(await eventually(() => storage.database.loops.run(ONE, []))).toEqual([{ one: 1 }]);

      await storage.onApplicationShutdown();
      proxy.stop();
      await dataSource.destroy();
    });

    it('end a statement on the server before the client gives up', async () => {
      const given = { queryTimeoutMs: scaled(1_000), wakeUp: 'off' } as const;
      const storage = await eventually(() => openStorage(test.dataSource, given));
      // A client that has no time reads what the server says too late.
      await eventually(async () => {
        const error = await failureOf(storage.database.callers.run(SLEEP, []));
        expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', sqlState: '57014' });
      });
      await storage.onApplicationShutdown();
    });

    it('of the loops do not wait long for a lock; those of callers do', async () => {
      const rival = await Rival.connect(test.database);
      const job = await test.rows.job({ uniqueKey: 'key' });
      await rival.begin();
      await rival.query('delete from simple_queue.job where id = $1', [job.id]);
      const change = { delayMs: 0, spent: 1, rescheduled: 0, ran: true } as const;
      const caller = queues.enqueue('mail', 1, { uniqueKey: 'key' });
      await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

      await expect(
        test.storage.settlements.putBack([{ id: job.id, epoch: 0, change }]),
      ).rejects.toMatchObject({ sqlState: '55P03' });

      await rival.query('delete from simple_queue.ready');
      await rival.commit();
      await rival.close();
      expect(await caller).toMatchObject({ created: true });
    });

    it('are all closed, whatever could not be ended before', async () => {
      const storage = await openStorage(test.dataSource);
      storage.beforeClose(() => Promise.reject(new Error('it could not be ended')));
      await expect(storage.onApplicationShutdown()).rejects.toThrow('it could not be ended');
      await expect(storage.database.loops.run(ONE, [])).rejects.toMatchObject({ code: 'CLOSED' });
    });

    it('are refused after the close', async () => {
      const storage = await openStorage(test.dataSource, { wakeUp: 'off' });
      await storage.onApplicationShutdown();
      await storage.onApplicationShutdown();
      await expect(storage.database.loops.run(ONE, [])).rejects.toMatchObject({ code: 'CLOSED' });
      await expect(
        storage.database.callers.transaction((run) => run(ONE, [])),
      ).rejects.toMatchObject({ code: 'CLOSED' });
    });

    it('work without prepared statements, as behind a pooler', async () => {
      const storage = await openStorage(test.dataSource, {
        preparedStatements: false,
        wakeUp: 'off',
      });
      const { id } = await new QueueService(
        storage,
        resolveOptions({}).options,
        new QueueEventBus(),
      ).enqueue('mail', 1, {
        id: '00000000-0000-4000-8000-000000000001',
      });
      expect(await storage.jobs.find(id)).toMatchObject({ state: 'ready' });
      await storage.onApplicationShutdown();
    });

    // A worker that had failed over to a replica once stayed on it, alive and silent.
    it('leaves a connection whose server only reads, also after a transaction', async () => {
      const storage = await openStorage(test.dataSource, { wakeUp: 'off' });
      const demote = statement('demote', 'set session characteristics as transaction read only');
      const lane = await storage.lanes.of('failover', '');
      const enqueue = (run: Run) =>
        storage.enqueues.insertIn(run, [{ ...aBadJob(), lane, payload: '1' }]);
      const { callers } = storage.database;
      await callers.transaction((run) => run(demote, []));

      await expect(callers.transaction(enqueue)).rejects.toMatchObject({
        sqlState: '25006',
        code: 'DATABASE_READ_ONLY',
      });
      await callers.transaction(enqueue);

      await storage.onApplicationShutdown();
    });

    // Behind PgBouncer in transaction mode our settings were found on connections of the application.
    it('leave no setting on a session that is not theirs to keep', async () => {
      const options = {
        poolMode: 'transaction',
        wakeUp: 'off',
        preparedStatements: false,
      } as const;
      const storage = await openStorage(test.dataSource, options);
      const names = [
        'enable_seqscan',
        'statement_timeout',
        'lock_timeout',
        'plan_cache_mode',
        'bytea_output',
      ];
      const settings = statement(
        '',
        `select ${names.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`,
      );
      const { loops } = storage.database;
      const theirs = (await loops['pool'].query<object>(settings.text)).rows;

      const ours = {
        enable_seqscan: 'off',
        statement_timeout: '9s',
        lock_timeout: '500ms',
        plan_cache_mode: 'force_generic_plan',
      };
      expect(await loops.run(settings, [])).toEqual([{ ...ours, bytea_output: 'hex' }]);
      expect(await loops.transaction((run) => run(settings, []))).toEqual([
        { ...ours, bytea_output: 'hex' },
      ]);
      expect((await loops['pool'].query<object>(settings.text)).rows).toEqual(theirs);
      expect(theirs).not.toEqual([expect.objectContaining(ours)]);
      expect(loops['pool'].totalCount).toBe(1);

      const { id } = await new QueueService(
        storage,
        resolveOptions(options).options,
        new QueueEventBus(),
      ).enqueue('mail', 1);
      expect(await storage.jobs.find(id)).toMatchObject({ state: 'ready' });
      await storage.onApplicationShutdown();
    });

    it('roll back what failed half way', async () => {
      const half = test.storage.database.callers.transaction(async (run) => {
        await run(statement('', `insert into simple_queue.queue (name) values ('half')`), []);
        await run(statement('', `select 1 / 0`), []);
      });
      await expect(half).rejects.toMatchObject({ sqlState: '22012' });
      expect(
        await test.database.query(`select from simple_queue.queue where name = 'half'`),
      ).toEqual([]);
      expect(await test.storage.database.callers.run(ONE, [])).toEqual([{ one: 1 }]);
    });
  });

  describe('a loop that is blocked for longer than the query timeout', () => {
    const QUERY_TIMEOUT_MS = scaled(1_000);
    let own: TestStorage;

    beforeAll(async () => {
      own = await aStorage({ queryTimeoutMs: QUERY_TIMEOUT_MS });
    });
    afterAll(() => own.close());

    const block = (): void => {
      const until = performance.now() + 2 * QUERY_TIMEOUT_MS;
      while (performance.now() < until);
    };
    const blocked = {
      code: 'DATABASE_UNAVAILABLE',
      isBlocked: true,
      isTimeout: false,
      message: expect.stringMatching(/event loop of this process was blocked or busy for \d/),
    };

    it('is named by what it fails, and not the database or its pool', async () => {
      const { callers, waiters } = own.storage.database;
      await eventually(() => callers.run(ONE, []));
      const asked = Promise.allSettled([
        ...Array.from({ length: 12 }, () => callers.run(NAP, [])),
        waiters.about(() => ['a']).transaction((run) => run(NAP, [])),
      ]);
      await new Promise(setImmediate);
      block();
      const errors = (await asked).flatMap((each) =>
        each.status === 'rejected' ? [each.reason as DatabaseError] : [],
      );
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error).toMatchObject(blocked);
      for (const { message } of errors) expect(message).not.toMatch(/pool|another transaction/);
    });

    it('is no outage in the log', () => {
      const told: unknown[] = [];
      const outage = new Outage(new QueueEventBus(), (news) => told.push(news));
      const of = (busyWords?: string) =>
        new DatabaseError('ask', new Error('Query read timeout'), undefined, busyWords);
      expect(outage.takes({ loop: 'poller', error: of('the loop was busy'), restMs: 1 })).toBe(
        false,
      );
      expect(told).toEqual([]);
      expect(outage.takes({ loop: 'poller', error: of(), restMs: 1 })).toBe(true);
      outage.detach();
    });
  });
});
