import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../../lib/options/simple-queue.options.js';
import { probePooling } from '../../../lib/storage/connection/connection-probes.js';
import { DatabaseError } from '../../../lib/storage/connection/database-errors.js';
import { Migrator } from '../../../lib/storage/schema/migrator.js';
import { openStandAlone } from '../../../lib/storage/connection/stand-alone.js';
import { statement } from '../../../lib/storage/connection/statement.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { anApplication } from '../../support/application.js';
import { anEmptyDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { scaled } from '../../support/patience.mjs';
import { Pooler } from '../../support/pooler.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { aDataSource, openStorage, Rival } from '../../support/storage.js';

type Mode = 'transaction' | 'session';

describe('behind a pooler', () => {
  let database: TestDatabase;
  const ending: (() => unknown)[] = [];

  beforeEach(async () => void (database = await anEmptyDatabase()));
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end();
    await database.drop();
  });

  const pooler = async (mode: Mode, max?: number, relays?: boolean): Promise<Pooler> => {
    const started = await Pooler.start(database.url, mode, max, relays);
    ending.push(() => started.stop());
    return started;
  };
  const address = (url: string) => ({
    url,
    shown: 'here',
    applicationName: 'pooled',
    connectTimeoutMs: 30_000,
  });
  const open = async (url: string, given: SimpleQueueOptions = {}): Promise<Storage> => {
    const { options } = resolveOptions({ wakeUp: 'off', queryTimeoutMs: 60_000, ...given });
    const storage = await openStandAlone(address(url), options, new QueueEventBus());
    ending.push(() => storage.onApplicationShutdown());
    return storage;
  };
  const enqueueing = (storage: Storage) =>
    new QueueService(storage, resolveOptions({}).options, new QueueEventBus());

  describe('that hands each transaction another connection', () => {
    // One that greets as the server did tells its own process number to who is served by the first connection: nobody else works yet.
    it.each([
      [1, false],
      [2, false],
      [5, false],
      [1, true],
      [5, true],
    ])(
      'a start without poolMode is refused, and leaves nothing on its %s connections; it greets as the server did: %s',
      async (max, relays) => {
        const { url } = await pooler('transaction', max, relays);
        const refused = {
          code: 'INVALID_OPTION',
          message: expect.stringContaining("Set poolMode: 'transaction'"),
        };
        await expect(open(url)).rejects.toMatchObject(refused);
        await expect(open(url, { preparedStatements: false, worker: false })).rejects.toMatchObject(
          refused,
        );
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        const names = [
          'enable_seqscan',
          'jit',
          'lock_timeout',
          'plan_cache_mode',
          'statement_timeout',
        ];
        const { rows } = await client.query(
          `select name from pg_settings where name = any($1) and source = 'session'`,
          [names],
        );
        expect(rows).toEqual([]);
        await client.end();
      },
    );

    // Its handler blocked the event loop while the renewal of its lease waited for its commit: nobody else could renew it.
    it.each([true, false])(
      'no statement leaves its transaction open for as long as the event loop is blocked: prepared %s',
      async (preparedStatements) => {
        const started = await pooler('transaction', 1);
        const storage = await open(started.url, { poolMode: 'transaction', preparedStatements });
        const queues = enqueueing(storage);
        const lane = await storage.lanes.of('mail', '');
        started.leftOpen = 0;
        const { id } = await queues.enqueue('mail', 1, { uniqueKey: 'k' });
        await queues.enqueue('mail', 1, { uniqueKey: 'k' });
        await storage.leases.take(randomUUID(), 'w', 1_000, { lanes: [lane.id] });
        expect(
          await storage.leases.renew(randomUUID(), 1_000, { claims: [], olderThanMs: 1 }),
        ).toMatchObject({
          alive: false,
        });
        expect(await storage.jobs.find(id)).toMatchObject({ state: 'ready' });
        await queues.enqueueMany('mail', [{ payload: 1 }, { payload: 2 }]);
        expect(started.leftOpen).toBe(0);
      },
    );

    it('what the server refuses is rolled back, and the connection is as good as before', async () => {
      const started = await pooler('transaction', 1);
      const { loops } = (await open(started.url, { poolMode: 'transaction' })).database;
      const note = `insert into simple_queue.queue (name) values ($1::text)`;
      for (const broken of [
        `${note} returning 1 / (length(name) - length(name))`,
        'select $1 from nowhere',
      ])
        await expect(
          loops.run(statement(`broken_${broken.length}`, broken), ['half']),
        ).rejects.toMatchObject({
          sqlState: expect.stringMatching(/22012|42P01/),
        });
      expect(await database.query(`select from simple_queue.queue where name = 'half'`)).toEqual(
        [],
      );
      const whole = statement('whole', `${note} returning name`);
      expect(await loops.run(whole, ['whole'])).toEqual([{ name: 'whole' }]);
      expect(await loops.run(statement('nothing', 'set local jit = off'), [])).toEqual([]);
      expect(await loops.rows(whole, ['again'])).toEqual([['again']]);
      expect(loops['pool'].totalCount).toBe(1);
    });

    it('poolMode is all that it takes, on one connection, too', async () => {
      const { url } = await pooler('transaction', 1);
      const storage = await open(url, { poolMode: 'transaction' });
      const { id } = await enqueueing(storage).enqueue('mail', 1);
      expect(await storage.jobs.find(id)).toMatchObject({ state: 'ready' });
    });
  });

  it.each([1, 3])(
    'that keeps a session for each connection nothing has to be said, on %s connections',
    async (max) => {
      const { url } = await pooler('session', max);
      await expect(open(url)).resolves.toBeDefined();
    },
  );

  it('a mere proxy is no pooler', async () => {
    const proxy = await TcpProxy.start(database.url);
    ending.push(() => proxy.stop());
    await expect(open(proxy.url)).resolves.toBeDefined();
    const dataSource = await aDataSource(proxy.url);
    ending.push(() => dataSource.destroy());
    expect(await probePooling({ dataSource, timeoutMs: 10_000 })).toBe('none');
  });

  it.each<[number, Mode, number]>([
    [24, 'transaction', 20],
    [8, 'transaction', 3],
    [8, 'transaction', 1],
    [24, 'session', 20],
    [8, 'session', 3],
    [4, 'session', 1],
  ])(
    '%s starts at once migrate an empty database, in %s mode with %s connections',
    async (starts, mode, max) => {
      const { url } = await pooler(mode, max);
      await Promise.all(
        Array.from({ length: starts }, () => open(url, { poolMode: 'transaction' })),
      );
      expect(await database.query('select version from simple_queue.version')).toEqual([
        { version: 1 },
      ]);
      expect(await database.query('select from simple_queue.migration')).toHaveLength(1);
    },
  );

  it('a start that waits for another one holds no connection, and says at last why it failed', async () => {
    const rival = await Rival.connect(database);
    await rival.query(`select pg_advisory_lock(hashtextextended('simple_queue.migrate', 0))`);
    const { options } = resolveOptions({ poolMode: 'transaction', wakeUp: 'off', migrate: 'off' });
    const { url } = await pooler('session', 1);
    const storage = await openStandAlone(address(url), options, new QueueEventBus());
    const patient = new Migrator(storage.database, { ...options, migrate: 'run' }).prepare();
    // On the only connection, while the other one tries.
    expect(await new Migrator(storage.database, options).version()).toMatchObject({ version: 0 });
    const tired = new Migrator(storage.database, {
      ...options,
      migrate: 'run',
      patienceMs: 0,
    }).prepare();
    await expect(tired).rejects.toMatchObject({
      code: 'DATABASE_ERROR',
      message: expect.stringContaining('the lock of migrations'),
    });
    await rival.close();
    await patient;
    expect(await database.query('select version from simple_queue.version')).toEqual([
      { version: 1 },
    ]);
    await storage.onApplicationShutdown();
  });

  it.each(['run', 'check'] as const)(
    '8 applications that start at once wait for the 3 connections of a session pool: migrate %s',
    async (migrate) => {
      if (migrate === 'check') await open(database.url);
      const { url } = await pooler('session', 3);
      const start = async (): Promise<void> => {
        const dataSource = await aDataSource(url, { extra: { idleTimeoutMillis: scaled(800) } });
        ending.push(() => dataSource.destroy());
        // Less than the others keep what they have.
        const storage = await openStorage(dataSource, {
          migrate,
          wakeUp: 'off',
          worker: false,
          queryTimeoutMs: scaled(500),
        });
        ending.push(() => storage.onApplicationShutdown());
      };
      await Promise.all(Array.from({ length: 8 }, start));
      expect(await database.query('select from simple_queue.migration')).toHaveLength(1);
    },
  );

  it.each<[Mode, Mode]>([
    ['session', 'session'],
    ['session', 'transaction'],
    ['transaction', 'transaction'],
  ])(
    'an error for want of connections names the pool and what to do: %s mode, poolMode %s',
    async (mode, poolMode) => {
      const { url } = await pooler(mode, 1);
      const hasty = { poolMode, queryTimeoutMs: 100 };
      // What takes longer on a busy machine is tried again.
      const storage = await eventually(() => open(url, { ...hasty, preparedStatements: false }));
      await eventually(() => storage.lanes.of('mail', ''));
      await storage.database.loops.close();
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      ending.push(() => client.end());
      await eventually(() => client.query('begin'), { timeoutMs: 20_000 });
      const refusal = {
        code: 'DATABASE_UNAVAILABLE',
        isCrowded: true,
        message: expect.stringMatching(/no connection of the server was free .*default_pool_size/),
      };
      await eventually(() =>
        expect(enqueueing(storage).enqueue('mail', 1)).rejects.toMatchObject(refusal),
      );
      await expect(storage.leases.take(randomUUID(), 'w', 1_000)).rejects.toBeDefined();
      await eventually(() =>
        expect(open(url, hasty)).rejects.toMatchObject({ message: refusal.message }),
      );
    },
  );

  it.each([
    ['53300', 'sorry, too many clients already'],
    ['08P01', 'no more connections allowed (max_client_conn)'],
    ['08P01', 'query_wait_timeout'],
  ])('so does one that the server or the pooler itself refuses: %s %s', (code, message) => {
    const error = new DatabaseError('enqueue', Object.assign(new Error(message), { code }));
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', isCrowded: true, sqlState: code });
    expect(error.message).toContain(message);
    expect(error.message).toMatch(
      /default_pool_size of PgBouncer\), max_connections, or a named CONNECTION LIMIT/,
    );
  });

  it('an idle worker gives connections back, so that a producer beside it gets one', async () => {
    const { url } = await pooler('session', 8);
    const quiet = {
      pollIntervalMs: 1_000,
      heartbeatIntervalMs: 5_000,
      leaseMs: 15_000,
      queryTimeoutMs: 10_000,
    };
    const worker = await anApplication({ ...database, url }, { options: quiet });
    ending.push(() => worker.close());
    const storage = await open(url, { migrate: 'off' });
    await eventually(() => enqueueing(storage).enqueue('mail', 1), { timeoutMs: 20_000 });
  });
});
