import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const LEVELS: IsolationLevel[] = ['REPEATABLE READ', 'SERIALIZABLE'];

describe('isolation', () => {
  let test: TestStorage;
  let queues: QueueService;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, resolveOptions({}).options, new QueueEventBus());
    await queues.enqueue('mail', 'the lane is registered');
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  describe.each(LEVELS)('a caller in %s', (level) => {
    it('enqueues and cancels', async () => {
      const waiting = await queues.enqueue('mail', 1);
      const stored = await test.dataSource.transaction(level, async (manager) => {
        expect(await queues.cancel({ id: waiting.id }, { manager })).toEqual({
          cancelled: 1,
          requested: 0,
        });
        return queues.enqueueMany(
          'mail',
          [{ payload: 2 }, { payload: 3, uniqueKey: 'key' }, { payload: 4, delayMs: 9_000 }],
          {
            manager,
          },
        );
      });
      expect(stored.map((answer) => answer.created)).toEqual([true, true, true]);
      expect(await queues.find(waiting.id)).toMatchObject({ state: 'cancelled' });
    });

    it('gets 40001, never a wrong answer, for a key that was taken after its snapshot', async () => {
      const order = test.dataSource.transaction(level, async (manager) => {
        await manager.query('select count(*) from simple_queue.job');
        await queues.enqueue('mail', 1, { uniqueKey: 'key' });
        return queues.enqueue('mail', 2, { uniqueKey: 'key', manager });
      });
      await expect(order).rejects.toMatchObject({
        name: 'DatabaseError',
        code: 'TRANSACTION_CONFLICT',
        sqlState: '40001',
      });
    });

    it('gets 40001 for cancelling a job that was claimed after its snapshot', async () => {
      const { id } = await test.rows.job({ state: 'running' });
      const order = test.dataSource.transaction(level, async (manager) => {
        await manager.query('select count(*) from simple_queue.job');
        await test.storage.settlements.putBack([
          { id, epoch: 0, change: { delayMs: 0, spent: 1, rescheduled: 0, ran: true } },
        ]);
        return queues.cancel({ id }, { manager });
      });
      await expect(order).rejects.toMatchObject({ sqlState: '40001' });
      expect(await queues.find(id)).toMatchObject({ state: 'ready' });
    });

    it.each(['replace', 'debounce', 'throttle'] as const)(
      'gets 40001 for a job to %s that came after its snapshot',
      async (onConflict) => {
        const options = {
          uniqueKey: 'key',
          onConflict,
          ...(onConflict === 'replace' ? {} : { periodMs: 60_000 }),
        };
        const order = test.dataSource.transaction(level, async (manager) => {
          await manager.query('select count(*) from simple_queue.job');
          await queues.enqueue('mail', 1, options);
          return queues.enqueue('mail', 2, { ...options, manager });
        });
        await expect(order).rejects.toMatchObject({
          code: 'TRANSACTION_CONFLICT',
          sqlState: '40001',
        });
      },
    );

    it('gets 40001 for replacing a job that was claimed after its snapshot', async () => {
      const { id } = await test.rows.job({ uniqueKey: 'key' });
      const order = test.dataSource.transaction(level, async (manager) => {
        await manager.query('select count(*) from simple_queue.job');
        await test.database.query('delete from simple_queue.ready');
        return queues.enqueue('mail', 2, { uniqueKey: 'key', onConflict: 'replace', manager });
      });
      await expect(order).rejects.toMatchObject({ sqlState: '40001' });
      await test.database.query('delete from simple_queue.job where id = $1', [id]);
    });

    it('gets 40001 for a period that was opened after its snapshot, by a job that has ended', async () => {
      const options = { uniqueKey: 'key', onConflict: 'throttle', periodMs: 60_000 } as const;
      const order = test.dataSource.transaction(level, async (manager) => {
        await manager.query('select count(*) from simple_queue.job');
        await queues.cancel({ id: (await queues.enqueue('mail', 1, options)).id });
        return queues.enqueue('mail', 2, { ...options, manager });
      });
      await expect(order).rejects.toMatchObject({ sqlState: '40001' });
    });

    it('replaces, debounces and throttles what was there before its snapshot', async () => {
      const modes = [
        { uniqueKey: 'a', onConflict: 'replace' },
        { uniqueKey: 'b', onConflict: 'debounce', periodMs: 60_000 },
        { uniqueKey: 'c', onConflict: 'throttle', periodMs: 60_000 },
      ] as const;
      const items = modes.map((mode) => ({ payload: 1, ...mode }));
      await queues.enqueueMany('mail', items);
      const answers = await test.dataSource.transaction(level, (manager) =>
        queues.enqueueMany('mail', items, { manager }),
      );
      expect(answers.map(({ outcome }) => outcome)).toEqual(['replaced', 'postponed', 'throttled']);
    });

    it('knows a key that was taken before its snapshot', async () => {
      const holder = await queues.enqueue('mail', 1, { uniqueKey: 'key' });
      const answer = await test.dataSource.transaction(level, (manager) =>
        queues.enqueue('mail', 2, { uniqueKey: 'key', manager }),
      );
      expect(answer).toEqual({ id: holder.id, created: false, outcome: 'existing' });
    });
  });

  describe('a database whose defaults are others', () => {
    it.each(['serializable', 'repeatable read'])(
      'of isolation (%s) does not disturb our own connections',
      async (level) => {
        await test.database.query(
          `alter database ${test.database.name} set default_transaction_isolation = '${level}'`,
        );
        const dataSource = await aDataSource(test.database.url);
        const storage = await openStorage(dataSource);
        const { lane } = await test.rows.job();
        await test.rows.jobs(60);
        const ranges = [
          {
            priority: -32_768,
            runAt: '-infinity',
            id: '00000000-0000-0000-0000-000000000000',
            upto: 32_767,
          },
        ];
        const wish = (n: number) => ({
          claimId: `00000000-0000-4000-8000-0000000000${n + 10}`,
          lease: '00000000-0000-4000-8000-000000000000',
        });

        const claims = await Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            storage.claims.settleAndClaim('w', [], [], {
              ...wish(n),
              lanes: [{ lane, wanted: 5, ranges }],
              limit: 5,
            }),
          ),
        );

        const taken = claims.flatMap((claim) => claim.jobs.map((job) => job.id));
        expect(new Set(taken).size).toBe(taken.length);
        const inTransaction = await storage.database.callers.transaction((run) =>
          run<{ level: string }>(
            { name: 'level', text: `select current_setting('transaction_isolation') as level` },
            [],
          ),
        );
        expect(inTransaction).toEqual([{ level: 'read committed' }]);
        await storage.onApplicationShutdown();
        await dataSource.destroy();
        await test.database.query(
          `alter database ${test.database.name} reset default_transaction_isolation`,
        );
      },
    );

    it('of output formats does not disturb what we read: times, bytes', async () => {
      await test.database.query(`alter database ${test.database.name} set bytea_output = 'escape'`);
      await test.database.query(
        `alter database ${test.database.name} set datestyle = 'German, DMY'`,
      );
      await test.database.query(
        `alter database ${test.database.name} set timezone = 'Asia/Kathmandu'`,
      );
      const dataSource = await aDataSource(test.database.url);
      const storage = await openStorage(dataSource);
      const { id, lane } = await test.rows.job();
      await test.database.query(`update simple_queue.job set payload_bytes = '\\x00ff5c'`);
      const ranges = [
        {
          priority: -32_768,
          runAt: '-infinity',
          id: '00000000-0000-0000-0000-000000000000',
          upto: 32_767,
        },
      ];
      const wish = { claimId: id, lease: id, lanes: [{ lane, wanted: 5, ranges }], limit: 5 };

      expect((await storage.jobs.find(id))?.runAt.getTime()).toBeLessThanOrEqual(Date.now());
      const { jobs } = await storage.claims.settleAndClaim('w', [], [], wish);

      expect(jobs).toMatchObject([
        {
          id,
          payloadBytes: '\\x00ff5c',
          runAt: expect.stringMatching(/^\d{4}-\d\d-\d\d [\d:.]+\+00$/),
        },
      ]);
      await storage.onApplicationShutdown();
      await dataSource.destroy();
    });
  });
});
