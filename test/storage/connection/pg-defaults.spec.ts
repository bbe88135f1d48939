import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { PostgresJobQueue } from '../../../lib/pull/postgres-job-queue.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { OwnClient } from '../../../lib/storage/connection/own-client.js';
import { statement } from '../../../lib/storage/connection/statement.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

const OF_THE_APPLICATION = {
  binary: true,
  parseInputDatesAsUTC: true,
  application_name: 'the application',
  client_encoding: 'latin1',
  options: '-c work_mem=1234kB',
  statement_timeout: 1,
  lock_timeout: 1,
  idle_in_transaction_session_timeout: 1,
  query_timeout: 1,
};

describe("what an application sets in the driver's own defaults", () => {
  let test: TestStorage;
  const { options } = resolveOptions({ wakeUp: 'off' });
  const defaults = pg.defaults as unknown as Record<string, unknown>;
  const before = Object.fromEntries(
    Object.keys(OF_THE_APPLICATION).map((name) => [name, defaults[name]]),
  );
  const set = (values: Record<string, unknown>): unknown => Object.assign(defaults, values);

  beforeAll(async () => (test = await aStorage()));
  afterAll(async () => {
    set({ ...before, parseInt8: false });
    await test.close();
  });

  const SETTINGS = [
    'application_name',
    'work_mem',
    'statement_timeout',
    'idle_in_transaction_session_timeout',
  ];

  it.each(['session', 'transaction'] as const)(
    'is not followed by connections of ours, poolMode %s',
    async (poolMode) => {
      const ask = statement(
        '',
        `select name, setting from pg_settings where name = any($1) order by name`,
      );
      const shown = async () => {
        const storage = await openStorage(test.dataSource, {
          wakeUp: 'off',
          poolMode,
          preparedStatements: poolMode === 'session',
        });
        const settings = await storage.database.loops.run(ask, [SETTINGS]);
        await storage.onApplicationShutdown();
        return settings;
      };
      const expected = await shown();
      set({ ...OF_THE_APPLICATION, parseInt8: true });
      expect(await shown()).toEqual(expected);
      expect(defaults).toMatchObject(OF_THE_APPLICATION);
      set(before);
    },
  );

  it("is followed where it says where the database is, as the DataSource's own connections do", () => {
    const { host, ssl } = defaults;
    set({ host: 'elsewhere', ssl: true });
    expect(new OwnClient({})).toMatchObject({ host: 'elsewhere', ssl: true });
    set({ host, ssl });
  });

  describe('in binary', () => {
    let dataSource: DataSource;
    let storage: Storage;

    beforeAll(async () => {
      set({ binary: true, parseInt8: true, parseInputDatesAsUTC: true });
      dataSource = await aDataSource(test.database.url, { extra: { binary: true } });
      storage = await openStorage(dataSource, { wakeUp: 'off' });
    });
    afterAll(async () => {
      await storage.onApplicationShutdown();
      await dataSource.destroy();
      set({ ...before, parseInt8: false });
    });

    it('stores, finds, cancels and claims, by itself and in transactions of callers', async () => {
      const queues = new QueueService(storage, options, new QueueEventBus());
      const runAt = new Date('2031-02-03T04:05:06.789Z');
      const work = async (manager?: DataSource['manager']) => {
        const { id } = await queues.enqueue(
          'mail',
          { to: 'ä' },
          { manager, runAt, uniqueKey: 'k', maxAttempts: 7 },
        );
        const again = await queues.enqueue(
          'mail',
          { to: 'b' },
          { manager, uniqueKey: 'k', onConflict: 'replace' },
        );
        expect(again).toMatchObject({ id, created: false });
        expect(await queues.find(id, { manager })).toMatchObject({
          payload: { to: 'b' },
          createdAt: expect.any(Date),
        });
        expect(await queues.cancel({ id }, { manager })).toEqual({ cancelled: 1, requested: 0 });
        await queues.enqueueMany('mail', [{ payload: 1, payloadBytes: Buffer.from([0, 255]) }], {
          manager,
        });
      };
      await work();
      await dataSource.transaction(async (manager) => {
        await work(manager);
        // The application's own statements are answered as it wants them.
        const [row] = await manager.query<{ n: unknown }[]>(`select $1::int as n`, [7]);
        expect(row).toEqual({ n: 7 });
      });
      const pulled = new PostgresJobQueue({
        storage,
        options,
        events: new QueueEventBus(),
        queues,
      });
      const { leaseId, jobs } = await pulled.claim({ workerId: 'w', queues: ['mail'], limit: 9 });
      expect(jobs).toMatchObject([
        { payload: 1, payloadBytes: Buffer.from([0, 255]) },
        { payload: 1, payloadBytes: Buffer.from([0, 255]) },
      ]);
      for (const { id } of jobs) await pulled.complete(leaseId, id);
    });
  });
});
