import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { eventually } from '../../support/eventually.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

const serviceOf = (storage: Storage) =>
  new QueueService(storage, resolveOptions({}).options, new QueueEventBus());

describe('in a transaction of the caller', () => {
  let test: TestStorage;
  let queues: QueueService;
  let dataSource: DataSource;

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'off' });
    queues = serviceOf(test.storage);
    await test.storage.lanes.of('mail', '');
  });
  beforeEach(async () => {
    await test.rows.clear();
    dataSource = await aDataSource(test.database.url, { extra: { max: 1 } });
  });
  afterAll(() => test.close());

  const preparedIn = async (manager: EntityManager): Promise<string[]> => {
    const rows = await manager.query<{ name: string }[]>(
      'select name from pg_prepared_statements order by name',
    );
    return rows.map(({ name }) => name.replace(/_[0-9a-f]{8}$/, ''));
  };
  const count = async () => (await test.database.query('select from simple_queue.job')).length;

  it('enqueueing is prepared, and nothing else', async () => {
    await dataSource.transaction(async (manager) => {
      const { id } = await queues.enqueue('mail', 1, { manager });
      await queues.enqueue('mail', 2, { manager, uniqueKey: 'key' });
      await queues.enqueueMany('mail', [{ payload: 3 }, { payload: 4 }], { manager });
      await queues.cancel({ id }, { manager });
      await queues.find(id, { manager });
      expect(await preparedIn(manager)).toEqual([
        'sq_enqueue',
        'sq_enqueue_one_bare',
        'sq_enqueue_plain',
      ]);
    });
    expect(await count()).toBe(3);
    await dataSource.destroy();
  });

  it('nothing is prepared where the options say so', async () => {
    const storage = await openStorage(test.dataSource, {
      preparedStatements: false,
      wakeUp: 'off',
    });
    await dataSource.transaction(async (manager) => {
      await serviceOf(storage).enqueue('mail', 1, { manager });
      expect(await preparedIn(manager)).toEqual([]);
    });
    expect(await count()).toBe(1);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
  });

  it("a DataSource that logs queries logs the queue's, too", async () => {
    await dataSource.destroy();
    const logged: string[] = [];
    const nothing = () => undefined;
    const logger = {
      logQueryError: nothing,
      logQuerySlow: nothing,
      logSchemaBuild: nothing,
      logMigration: nothing,
      log: nothing,
    };
    const loud = await aDataSource(test.database.url, {
      logging: ['query'],
      logger: { ...logger, logQuery: (query: string) => void logged.push(query) },
    });
    await loud.transaction((manager) => queues.enqueue('mail', 1, { manager }));
    expect(logged).toContainEqual(expect.stringContaining('insert into simple_queue.job'));
    await loud.destroy();
  });

  it('a connection that forgot what was prepared fails once, and then prepares again', async () => {
    const enqueue = (manager: EntityManager) => queues.enqueue('mail', 1, { manager });
    await dataSource.transaction(enqueue);
    await dataSource.query('deallocate all');
    await expect(dataSource.transaction(enqueue)).rejects.toMatchObject({
      code: 'DATABASE_ERROR',
      sqlState: '26000',
      message: expect.stringContaining('preparedStatements: false'),
    });
    await dataSource.transaction(enqueue);
    expect(await count()).toBe(2);
    await dataSource.destroy();
  });

  it('that has failed already, enqueueing fails like any statement, and the next transaction works', async () => {
    const attempt = dataSource.transaction(async (manager) => {
      await manager.query('select 1 / 0').catch(() => undefined);
      await queues.enqueue('mail', 1, { manager });
    });
    await expect(attempt).rejects.toMatchObject({ code: 'DATABASE_ERROR', sqlState: '25P02' });
    await dataSource.transaction((manager) => queues.enqueue('mail', 1, { manager }));
    expect(await count()).toBe(1);
    await dataSource.destroy();
  });

  it('two schemas share a connection', async () => {
    const other = await openStorage(test.dataSource, { schema: 'other_queue', wakeUp: 'off' });
    await dataSource.transaction(async (manager) => {
      await queues.enqueue('mail', 1, { manager });
      await serviceOf(other).enqueue('mail', 2, { manager });
    });
    expect([
      await count(),
      (await test.database.query('select from other_queue.job')).length,
    ]).toEqual([1, 1]);
    await other.onApplicationShutdown();
    await dataSource.destroy();
  });

  it('of a query runner that was released, or ended it by hand, is refused', async () => {
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await queues.enqueue('mail', 1, { manager: runner });
    await runner.query('rollback');
    await expect(queues.enqueue('mail', 2, { manager: runner })).rejects.toMatchObject({
      code: 'MANAGER_INACTIVE',
    });
    await runner.release();
    await expect(queues.enqueue('mail', 3, { manager: runner })).rejects.toMatchObject({
      code: 'MANAGER_INACTIVE',
    });
    expect(await count()).toBe(0);
    await dataSource.destroy();
  });

  it.each(['known to the queue', 'new to it'])(
    'whose connection, %s, the server closes meanwhile, says so and why',
    async (which) => {
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      if (which === 'known to the queue') await queues.enqueue('mail', 1, { manager: runner });
      const [backend] = (await runner.query('select pg_backend_pid() as pid')) as { pid: number }[];
      await test.database.query('select pg_terminate_backend($1)', [backend!.pid]);
      await eventually(() => expect(runner.isReleased).toBe(true));
      const error = await queues.enqueue('mail', 2, { manager: runner }).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        message: expect.stringMatching(/^The connection of the transaction to join was closed/),
      });
      if (which === 'known to the queue')
        expect((error as Error).message).toContain('SQLSTATE 57P01');
      expect(await count()).toBe(0);
      await dataSource.destroy();
    },
  );

  it('with a driver that is not node-postgres, calls join and follow each other, and are refused when TypeORM says that it is over', async () => {
    await dataSource.destroy();
    dataSource = await aDataSource(test.database.url, { driver: { ...pg, Pool: OtherPool } });
    await dataSource.transaction(async (manager) => {
      const calls = [1, 2, 3].map((payload) =>
        queues.enqueue('mail', payload, { manager, maxPending: 2 }),
      );
      const results = await Promise.allSettled(calls);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
      expect(await preparedIn(manager)).toEqual([]);
    });
    const undone = dataSource.transaction(async (manager) => {
      const { id } = await queues.enqueue('mail', 4, { manager });
      expect(await queues.find(id, { manager })).toMatchObject({ state: 'ready' });
      expect(await queues.cancel({ id }, { manager })).toEqual({ cancelled: 1, requested: 0 });
      return Promise.reject(new Error('undone'));
    });
    await expect(undone).rejects.toThrow('undone');
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.commitTransaction();
    await expect(queues.enqueue('mail', 5, { manager: runner })).rejects.toMatchObject({
      code: 'MANAGER_INACTIVE',
    });
    await runner.release();
    expect(await count()).toBe(2);
    await dataSource.destroy();
  });
});

/** Its clients show nothing of what lies below them. */
class OtherPool extends pg.Pool {
  override connect(...args: unknown[]): never {
    const [callback] = args as [
      (error: Error | undefined, client: unknown, release: unknown) => void,
    ];
    const connected = (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      release: unknown,
    ): void => callback(error, client && hidden(client), release);
    return super.connect(connected as never) as never;
  }
}

const hidden = (client: pg.PoolClient): pg.PoolClient =>
  new Proxy(client, {
    get: (target, name) => {
      const value: unknown = name === 'connection' ? undefined : Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
