import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { OwnClient } from '../../../lib/storage/connection/own-client.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { workflow } from '../../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../../lib/workflows/queue-workflows.js';
import { administer } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

const OPTIONS = { worker: false, wakeUp: 'off', queryTimeoutMs: 60_000 } as const;

describe('in a transaction on a full server, a process without a worker', () => {
  let test: TestStorage;
  let role: string;
  let dataSource: DataSource;
  let storage: Storage;
  let queues: QueueService;
  const asked = jest.spyOn(OwnClient.prototype, 'connect');

  beforeAll(async () => {
    test = await aStorage();
    role = `crowded_${test.database.name}`;
    await test.database.query(`create role ${role} login password 'secret'`);
    for (const what of ['tables', 'sequences', 'functions'])
      await test.database.query(`grant all on all ${what} in schema simple_queue to ${role}`);
    await test.database.query(`grant all on schema simple_queue to ${role}`);
    const url = Object.assign(new URL(test.database.url), { username: role, password: 'secret' });
    dataSource = await aDataSource(url.href, { poolSize: 1 });
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.rows.lane('known');
    const options = resolveOptions(OPTIONS).options;
    storage = await openStorage(dataSource, OPTIONS);
    queues = new QueueService(storage, options, new QueueEventBus());
  });
  afterEach(async () => {
    await limitTo(-1);
    await storage.onApplicationShutdown();
  });
  afterAll(async () => {
    asked.mockRestore();
    await dataSource.destroy();
    const { name } = test.database;
    await test.database.query(`drop owned by ${role}`);
    await test.close();
    await administer(process.env.SQ_TEST_URL!, `drop role crowded_${name}`);
  });

  const limitTo = (connections: number) =>
    test.database.query(`alter role ${role} connection limit ${connections}`);

  /** The transaction has the only connection that there is. */
  const crowded = <T>(work: (manager: EntityManager) => Promise<T>): Promise<T> =>
    dataSource.transaction(async (manager) => {
      const [{ pid }] = await manager.query('select pg_backend_pid() as pid');
      await limitTo(1);
      await eventually(async () => {
        const others = `from pg_stat_activity where usename = $1 and pid <> $2`;
        await test.database.query(`select pg_terminate_backend(pid) ${others}`, [role, pid]);
        expect(await test.database.query(`select ${others}`, [role, pid])).toEqual([]);
      });
      asked.mockClear();
      return work(manager);
    });

  const stored = () => test.database.query(`select count(*)::int as jobs from simple_queue.job`);

  it('finds lanes that are registered, and asks for room once', async () => {
    await crowded(async (manager) => {
      await queues.enqueue('known', 1, { manager });
      await queues.enqueueMany('known', [{ payload: 2 }], { manager });
      expect(asked).toHaveBeenCalledTimes(2);
      const flow = workflow('flow').step('one', 'known', 3);
      await new QueueWorkflows(storage, resolveOptions(OPTIONS).options, new QueueEventBus()).start(
        flow,
        { manager },
      );
      expect(asked).toHaveBeenCalledTimes(3);
    });
    expect(await stored()).toEqual([{ jobs: 3 }]);
  });

  it('fails at once with lanes that are not, and nothing of the transaction is lost', async () => {
    await crowded(async (manager) => {
      await queues.enqueue('known', 1, { manager });
      await expect(queues.enqueue('new', 1, { manager })).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        isCrowded: true,
      });
      expect(asked).toHaveBeenCalledTimes(2);
    });
    expect(await stored()).toEqual([{ jobs: 1 }]);
  });

  it('waits for nobody who looks for room', async () => {
    let patient: Promise<unknown> | undefined;
    const stored = await crowded(async (manager) => {
      patient = queues.enqueue('new', 1).catch(() => undefined);
      await eventually(() => expect(asked.mock.calls.length).toBeGreaterThan(2));
      return queues.enqueue('known', 1, { manager });
    });
    expect(stored).toMatchObject({ created: true });
    await patient;
  });
});
