import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { eventually } from '../../support/eventually.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const ROLE = `hinted_${process.pid}`;

/** What a server says whose queue of notifications is full: here, its function says so. */
const FULL = `alter function pg_catalog.pg_notify(text, text) rename to pg_notify_of_before;
  create function pg_catalog.pg_notify(text, text) returns void language plpgsql as
  $$ begin raise exception using errcode = 'program_limit_exceeded', message = 'too many notifications in the NOTIFY queue'; end $$`;

describe.each([
  ['may not be executed', 'revoke execute on function pg_notify(text, text) from public', '42501'],
  ['has a full queue', FULL, '54000'],
])('a NOTIFY that %s', (_why, refuse, sqlState) => {
  let test: TestStorage;
  let dataSource: DataSource;
  let storage: Storage;
  let queues: QueueService;
  const warnings: { code: string; message: string }[] = [];

  beforeAll(async () => {
    test = await aStorage();
    await test.storage.lanes.of('mails', '');
    await test.database.query(`create role ${ROLE} login password 'hinted'`);
    await test.database.query(`grant usage on schema simple_queue to ${ROLE}`);
    await test.database.query(`grant all on all tables in schema simple_queue to ${ROLE}`);
    await test.database.query(refuse);
    const url = new URL(test.database.url);
    [url.username, url.password] = [ROLE, 'hinted'];
    dataSource = await aDataSource(url.href);
    const events = new QueueEventBus();
    events.on('warning', (warning) => void warnings.push(warning));
    storage = await openStorage(dataSource, { migrate: 'off' }, events);
    await storage.lanes.of('mails', '');
    queues = new QueueService(storage, resolveOptions({}).options, events);
    warnings.length = 0;
  });
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(async () => {
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    await test.database.query(`drop owned by ${ROLE}; drop role ${ROLE}`);
    await test.close();
  });

  it('refuses no job of a single enqueue, and is said once', async () => {
    for (let payload = 0; payload < 10; payload++) {
      const { id } = await queues.enqueue('mails', payload);
      expect(await queues.find(id)).toMatchObject({ payload, state: 'ready' });
    }
    await eventually(() => expect(warnings).toHaveLength(1));
    expect(warnings).toEqual([
      { code: 'NOTIFY_REFUSED', message: expect.stringContaining(sqlState) },
    ]);
  });

  it('refuses nothing else: batches, transactions, cancels', async () => {
    await queues.enqueueMany('mails', [{ payload: 1 }, { payload: 2 }]);
    const { id } = await dataSource.transaction((manager) =>
      queues.enqueue('mails', 3, { manager }),
    );
    expect(await queues.cancel({ id })).toMatchObject({ cancelled: 1 });
    expect(warnings).toHaveLength(1);
  });

  it('still says what else is refused', async () => {
    await test.database.query(`revoke insert on simple_queue.job from ${ROLE}`);
    await expect(queues.enqueue('mails', 1)).rejects.toMatchObject({ sqlState: '42501' });
  });
});

it('a producer in SQL that asks for a wake-up is not refused either', async () => {
  const test = await aStorage();
  const role = `waking_${process.pid}`;
  await test.database.query(`create role ${role}`);
  await test.database.query(
    `grant usage on schema simple_queue to ${role}; grant all on all tables in schema simple_queue to ${role}`,
  );
  await test.database.query('revoke execute on function pg_notify(text, text) from public');
  const runner = test.dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.query(`set local role ${role}`);
  expect(
    await runner.query(`select created from simple_queue.enqueue('mails', '1', wake => true)`),
  ).toEqual([{ created: true }]);
  await runner.commitTransaction();
  await runner.release();
  await test.database.query(`drop owned by ${role}; drop role ${role}`);
  await test.close();
});
