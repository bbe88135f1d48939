import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const SETTINGS: Record<string, string>[] = [
  { array_nulls: 'off', DateStyle: 'SQL, DMY', TimeZone: 'Asia/Kolkata', bytea_output: 'escape' },
  {
    array_nulls: 'off',
    DateStyle: 'German, DMY',
    TimeZone: 'America/St_Johns',
    IntervalStyle: 'sql_standard',
  },
  {
    extra_float_digits: '-15',
    standard_conforming_strings: 'off',
    quote_all_identifiers: 'on',
    transform_null_equals: 'on',
  },
  {
    DateStyle: 'Postgres, MDY',
    extra_float_digits: '0',
    default_transaction_isolation: 'repeatable read',
  },
];

const FIRST = '00000000-0000-0000-0000-000000000000';
const SOON = new Date('2031-02-03T04:05:06.789Z');

describe.each(SETTINGS)('a database with %p', (settings) => {
  let test: TestStorage;
  let dataSource: DataSource;
  let storage: Storage;
  let queues: QueueService;

  /** Connections that are opened from now on have the settings of the database. */
  beforeAll(async () => {
    test = await aStorage();
    for (const [name, value] of Object.entries(settings))
      await test.database.query(
        `alter database ${test.database.name} set ${name} = ${value.includes(',') ? value : `'${value}'`}`,
      );
    dataSource = await aDataSource(test.database.url);
    storage = await openStorage(dataSource);
    queues = new QueueService(
      storage,
      resolveOptions({ queues: { fair: { fair: true } } }).options,
      new QueueEventBus(),
    );
  });
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(async () => {
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    await test.close();
  });

  const ITEMS: [string, EnqueueItem[]][] = [
    [
      'plain ones',
      [
        { payload: 1, fingerprint: 'tag' },
        { payload: 2, payloadBytes: Buffer.from([0, 92, 255]) },
      ],
    ],
    [
      'keyed ones',
      [
        { payload: 1, uniqueKey: 'a' },
        { payload: 2, delayMs: 9_000 },
        { payload: 3, runAt: SOON },
        { payload: 4 },
      ],
    ],
    [
      'ordered ones',
      [
        { payload: 1, group: 'g', ordered: true },
        { payload: 2, group: 'h', ordered: true, runAt: SOON },
      ],
    ],
    [
      'staged ones',
      [
        { payload: 1, staged: true },
        { payload: 2, staged: true, commitWithinMs: 9_000 },
        { payload: 3 },
      ],
    ],
    [
      'keys to replace',
      [
        { payload: 1, uniqueKey: 'r', onConflict: 'replace', runAt: SOON },
        {
          payload: 2,
          uniqueKey: 's',
          onConflict: 'replace',
          fingerprint: 'tag',
          headers: { a: 'b' },
        },
        { payload: 3, uniqueKey: 't', onConflict: 'throttle', periodMs: 60_000 },
      ],
    ],
  ];

  const WAYS: [string, (work: (manager?: EntityManager) => Promise<void>) => Promise<void>][] = [
    ['by themselves', (work) => work()],
    [
      'in a transaction of their caller',
      (work) => dataSource.transaction((manager) => work(manager)),
    ],
  ];

  describe.each(WAYS)('stores jobs %s:', (_way, within) => {
    it.each(ITEMS)('%s, twice, and reads them back as they were given', async (_kind, items) => {
      await within(async (manager) => {
        for (let turn = 0; turn < 2; turn++) {
          const answers = await queues.enqueueMany('mails', items, { manager });
          for (const [index, { id }] of answers.entries()) {
            const found = (await queues.find(id, { manager }))!;
            const { payload, payloadBytes, runAt, fingerprint, uniqueKey } = items[index]!;
            expect(found).toMatchObject({
              payload,
              ...(payloadBytes && { payloadBytes }),
              ...(runAt && { runAt }),
            });
            expect([found.fingerprint, found.uniqueKey]).toEqual([fingerprint, uniqueKey]);
            expect(Math.abs(found.createdAt.getTime() - Date.now())).toBeLessThan(3_600_000);
          }
        }
      });
    });

    it('and refuses one that depends on nothing known, whatever keys are taken', async () => {
      await queues.enqueue('mails', 1, { uniqueKey: 'NULL' });
      const dependent = within(async (manager) => {
        await queues.enqueue('mails', 2, { dependsOn: [FIRST], manager });
      });
      await expect(dependent).rejects.toMatchObject({ code: 'DEPENDENCY_UNKNOWN' });
    });

    it('a batch of several statements', async () => {
      const items = Array.from({ length: 5_002 }, (_, index) => ({
        payload: index,
        group: `g${index % 2}`,
        ordered: true,
        ...(index % 3 ? {} : { runAt: SOON }),
      }));
      await within(async (manager) => {
        const answers = await queues.enqueueMany('many', items, { manager });
        const { createdAt, runAt } = (await queues.find(answers[1]!.id, { manager }))!;
        expect(Math.abs(runAt.getTime() - createdAt.getTime())).toBeLessThan(3_600_000);
      });
    });

    it('and cancels, commits and finds how they have ended', async () => {
      await within(async (manager) => {
        const waiting = await queues.enqueue('mails', 1, { manager, delayMs: 60_000 });
        const staged = await queues.enqueue('mails', 1, { manager, staged: true });
        expect(await queues.commit(staged.id, { manager })).toMatchObject({ won: true });
        expect(await queues.cancel({ id: waiting.id }, { manager })).toMatchObject({
          cancelled: 1,
        });
        const found = (await queues.find(waiting.id, { manager }))!;
        expect(found.state).toBe('cancelled');
        expect(Math.abs(found.finishedAt!.getTime() - Date.now())).toBeLessThan(3_600_000);
      });
    });
  });

  it('settles what is kept, with an output and without', async () => {
    const given = await queues.enqueueMany('outputs', [{ payload: 1 }, { payload: 2 }]);
    const lane = {
      lane: storage.lanes.find('outputs', '')!.id,
      wanted: 9,
      ranges: [{ priority: -1, runAt: '-infinity', id: FIRST, upto: 9 }],
    };
    const { jobs } = await storage.claims.settleAndClaim('w', [], [], {
      claimId: FIRST,
      lease: FIRST,
      lanes: [lane],
      limit: 9,
    });
    const ends = jobs.map(({ id, epoch }, index) => ({
      id,
      epoch,
      runMs: 1,
      keepMs: 9_000,
      output: index ? '"out"' : undefined,
    }));
    const nothing = { claimId: FIRST, lease: FIRST, lanes: [], limit: 0 };
    expect((await storage.claims.settleAndClaim('w', ends, [FIRST], nothing)).lost).toEqual([]);
    const outputs = await Promise.all(given.map(async ({ id }) => (await queues.find(id))!.output));
    expect(outputs.filter((output) => output === 'out')).toHaveLength(1);
  });
});

describe('a database whose sessions may only read', () => {
  it('says so, by a code of its own: in a transaction of the caller, and without one', async () => {
    const test = await aStorage();
    await test.storage.lanes.of('mails', '');
    await test.database.query(
      `alter database ${test.database.name} set default_transaction_read_only = on`,
    );
    const dataSource = await aDataSource(test.database.url);
    const storage = await openStorage(dataSource, { migrate: 'off' });
    const queues = new QueueService(storage, resolveOptions({}).options, new QueueEventBus());
    await storage.lanes.of('mails', '');
    const refused = {
      code: 'DATABASE_READ_ONLY',
      sqlState: '25006',
      message: expect.stringContaining('default_transaction_read_only'),
    };
    await expect(queues.enqueue('mails', 1)).rejects.toMatchObject(refused);
    await expect(
      dataSource.transaction((manager) => queues.enqueue('mails', 1, { manager })),
    ).rejects.toMatchObject(refused);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    await test.close();
  });
});
