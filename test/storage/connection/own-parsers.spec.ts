import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { PostgresJobQueue } from '../../../lib/pull/postgres-job-queue.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { statement } from '../../../lib/storage/connection/statement.js';
import { missingPartitions } from '../../../lib/storage/schema/partition.repository.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

const OF_THE_APPLICATION = (text: string) => `the application's own ${text}`;
const TYPES = [
  16, 17, 20, 21, 23, 25, 114, 700, 701, 1184, 2950, 3802, 1000, 1005, 1007, 1009, 1022, 2951, 3807,
];

describe('what our statements answer', () => {
  let test: TestStorage;
  let dataSource: DataSource;
  let storage: Storage;
  let queues: QueueService;
  const { options } = resolveOptions({ wakeUp: 'off' });
  const before = TYPES.map(
    (type) => [type, pg.types.getTypeParser(type) as (text: string) => unknown] as const,
  );

  beforeAll(async () => {
    test = await aStorage();
    for (const type of TYPES) pg.types.setTypeParser(type, OF_THE_APPLICATION);
    dataSource = await aDataSource(test.database.url, {
      extra: { types: { getTypeParser: () => OF_THE_APPLICATION } },
    });
    storage = await openStorage(dataSource, { wakeUp: 'off' });
    queues = new QueueService(storage, options, new QueueEventBus());
  });
  afterAll(async () => {
    for (const [type, parser] of before) pg.types.setTypeParser(type, parser);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    await test.close();
  });

  it.each<[string, unknown]>([
    ['true', true],
    ['7::smallint', 7],
    ['7', 7],
    ['0.5::float8', 0.5],
    [`'-Infinity'::float8`, -Infinity],
    [`'2026-11-28 12:00:00.25+05:45'::timestamptz`, new Date('2026-11-28T06:15:00.250Z')],
    [`'{"a": [1]}'::jsonb`, { a: [1] }],
    [`'null'::json`, null],
    [String.raw`'\x00ff5c'::bytea`, Buffer.from('00ff5c', 'hex')],
    [`'00000000-0000-0000-0000-000000000001'::uuid`, '00000000-0000-0000-0000-000000000001'],
    [`'{}'::text[]`, []],
    [
      String.raw`array['a', 'NULL', null, '', 'a,b', '{"}', E'back\\slash', E'two\nlines']`,
      ['a', 'NULL', null, '', 'a,b', '{"}', 'back\\slash', 'two\nlines'],
    ],
    ['array[1, null, -2]', [1, null, -2]],
    ['array[true, false]', [true, false]],
    [`array['{"a": 1}'::jsonb, null]`, [{ a: 1 }, null]],
    ['null::jsonb', null],
  ])("is read by rules of ours, whatever the application's are: %s", async (sql, value) => {
    const read = statement('', `select ${sql} as value`);
    expect(await storage.database.callers.run(read, [])).toEqual([{ value }]);
    expect(await storage.database.callers.transaction((run) => run(read, []))).toEqual([{ value }]);
  });

  it('lets the janitor make its partitions', async () => {
    const { now, names } = await storage.partitions.list('archive');
    expect([now, names]).toEqual([expect.any(Date), expect.any(Array)]);
    expect(missingPartitions('archive', { now, names }, 3_600_000)).toEqual(expect.any(Array));
  });

  it('leaves a pulled job its attempts, and a found one its values', async () => {
    const { id } = await queues.enqueue('mail', { to: 'a' }, { maxAttempts: 7 });
    expect(await queues.find(id)).toMatchObject({
      payload: { to: 'a' },
      maxAttempts: 7,
      runAt: expect.any(Date),
      attempt: 0,
    });
    const pulled = new PostgresJobQueue({ storage, options, events: new QueueEventBus(), queues });
    const { leaseId, jobs } = await pulled.claim({ workerId: 'w', queues: ['mail'] });
    expect(jobs).toMatchObject([{ id, payload: { to: 'a' } }]);
    await pulled.fail(leaseId, id, new Error('no'));
    expect(await queues.find(id)).toMatchObject({ state: 'scheduled', attempt: 1 });
  });

  it("are read so in a caller's transaction, too", async () => {
    await dataSource.transaction(async (manager) => {
      const first = await queues.enqueue(
        'own',
        { to: 'b' },
        { manager, uniqueKey: 'one', maxAttempts: 7, delayMs: 60_000 },
      );
      const again = await queues.enqueue(
        'own',
        { to: 'c' },
        { manager, uniqueKey: 'one', onConflict: 'replace' },
      );
      expect(again).toMatchObject({ id: first.id, created: false });
      const found = await queues.find(first.id, { manager });
      expect(found).toMatchObject({
        payload: { to: 'c' },
        attempt: 0,
        runAt: expect.any(Date),
        createdAt: expect.any(Date),
      });
      expect(found!.labels).toEqual([]);
    });
  });
});
