import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DataSource, EntityManager, Logger } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

/** As TypeORM 0.3 has managers and query runners: what they belong to is their `connection`. */
function asBefore<Given extends object>(given: Given, connection: DataSource): Given {
  const get = (target: Given, name: string | symbol): unknown => {
    if (name === 'dataSource') return undefined;
    if (name === 'connection') return connection;
    const value: unknown = Reflect.get(target, name);
    return name === 'manager' ? asBefore(value as EntityManager, connection) : value;
  };
  return new Proxy(given, { get });
}

// Against the real versions: scripts/consumers.mjs.
describe('with TypeORM 0.3', () => {
  let test: TestStorage;
  let dataSource: DataSource;
  let queues: QueueService;
  const logged: string[] = [];

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'off' });
    const logger = { logQuery: (text: string) => logged.push(text) } as unknown as Logger;
    dataSource = await aDataSource(test.database.url, { logging: ['query'], logger });
    queues = new QueueService(test.storage, resolveOptions({}).options, new QueueEventBus());
  });
  afterAll(async () => {
    await dataSource.destroy();
    await test.close();
  });

  it.each([
    ['a manager', (manager: EntityManager) => asBefore(manager, dataSource)],
    ['a query runner', ({ queryRunner }: EntityManager) => asBefore(queryRunner!, dataSource)],
  ])('a call joins the transaction of %s, and the log hears of it', async (_, given) => {
    const work = (manager: EntityManager) =>
      queues.enqueue('mail', {}, { manager: given(manager) });
    const { id } = await dataSource.transaction(work);
    expect(await queues.find(id)).toMatchObject({ queue: 'mail' });
    expect(logged.some((text) => text.includes('insert into simple_queue.job'))).toBe(true);

    let undone = '';
    const failing = dataSource.transaction(async (manager) => {
      undone = (await work(manager)).id;
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    expect(await queues.find(undone)).toBeUndefined();
  });

  it('a manager of another database is refused', async () => {
    const other = await aDataSource(test.database.url.replace(/\/[^/]+$/, '/postgres'));
    const call = other.transaction((manager) =>
      queues.enqueue('mail', {}, { manager: asBefore(manager, other) }),
    );
    await expect(call).rejects.toMatchObject({ code: 'MANAGER_FOREIGN' });
    await other.destroy();
  });
});

describe('with TypeORM 0.2', () => {
  const refusal = {
    code: 'DATA_SOURCE_UNSUPPORTED',
    message: expect.stringMatching(/older than 0\.3 \(installed: \d+\.\d+\.\d+\).*typeorm@1$/),
  };

  it('a Connection is refused, with the version that is installed', async () => {
    const connection = { options: { type: 'postgres' }, isConnected: true, name: 'default' };
    await expect(openStorage(connection as unknown as DataSource)).rejects.toMatchObject(refusal);
  });

  it('the default DataSource, of which there is no class, is refused as well', async () => {
    const asOld = () => ({ EntitySchema: class {} });
    jest.unstable_mockModule('typeorm', asOld);
    jest.doMock('typeorm', asOld);
    const { dataSourceToken } =
      await import('../../../lib/storage/connection/data-source-token.js');
    expect(() => dataSourceToken()).toThrow(expect.objectContaining(refusal));
  });
});
