import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { statement } from '../../../lib/storage/connection/statement.js';
import { StandIn } from '../../../lib/storage/leases/stand-in.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { administer, anEmptyDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { Rows } from '../../support/rows.js';
import { aDataSource, openStorage, Rival } from '../../support/storage.js';

/** Longer than each of the timeouts, by the clock of the server. */
const LONG = statement('', 'select pg_sleep(0.15)');

const TIMEOUTS: [name: string, value: string, since: number][] = [
  ['statement_timeout', '1ms', 13],
  ['statement_timeout', '10ms', 13],
  ['statement_timeout', '50ms', 13],
  ['lock_timeout', '1ms', 13],
  ['idle_in_transaction_session_timeout', '50ms', 13],
  ['idle_session_timeout', '100ms', 14],
  ['transaction_timeout', '50ms', 17],
];

/** What a careful administrator gives every role that queries come from. What is ours has timeouts of its own. */
describe.each(TIMEOUTS)('a role whose %s is %s', (name, value, since) => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let storage: Storage | undefined;

  const role = () => `hurried_${database.name}`;

  beforeEach(async () => {
    database = await anEmptyDatabase();
    const [{ version }] = (await database.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    )) as [{ version: number }];
    await database.query(`create role ${role()} superuser login password 'secret'`);
    const url = Object.assign(new URL(database.url), { username: role(), password: 'secret' });
    // The application's own connections are its own affair.
    dataSource = await aDataSource(url.href);
    if (version >= since * 10_000)
      await database.query(`alter role ${role()} set ${name} = '${value}'`);
  });
  afterEach(async () => {
    await storage?.onApplicationShutdown();
    storage = undefined;
    await dataSource.destroy();
    await database.drop();
    await administer(process.env.SQ_TEST_URL!, `drop role ${role()}`);
  });

  const open = async (options = {}) => (storage = await openStorage(dataSource, options));

  it('may create the tables, enqueue, and work as long as ours may take', async () => {
    const { database: ours } = await open();
    const queues = new QueueService(storage!, resolveOptions({}).options, new QueueEventBus());
    await queues.enqueueMany('mails', [
      { payload: 1 },
      { payload: 2, uniqueKey: 'k' },
      { payload: 3, group: 'g', ordered: true },
    ]);

    const ways = [ours.loops.run, ours.callers.run, ours.waiters.run, ours.settlers.run];
    await Promise.all(ways.map((run) => run(LONG, [])));
    await ours.loops.transaction(async (run) => {
      await run(LONG, []);
      await run(LONG, []);
    });
    await Promise.all(ways.map((run) => run(LONG, [])));
  });

  it('may do so where each transaction has another connection', async () => {
    const { database: ours } = await open({ poolMode: 'transaction', wakeUp: 'off' });
    await Promise.all([ours.loops, ours.callers].map(({ run }) => run(LONG, [])));
    await ours.loops.transaction((run) => run(LONG, []));
  });

  it('may listen without a break', async () => {
    const { signals } = await open();
    const begun: number[] = [];
    signals.whenListening(() => begun.push(1));
    signals.startListening();
    await eventually(() => expect(signals.listening?.isListening).toBe(true));
    await database.query(LONG.text);
    await database.query(LONG.text);
    expect([signals.listening?.isListening, begun.length]).toEqual([true, 1]);
  });

  it('may keep its lease from a thread while somebody looks at the row', async () => {
    const { database: ours } = await open();
    const rows = new Rows(database);
    const lease = await rows.lease('1 second');
    const until = async () =>
      (await database.query<{ at: Date }>('select expires_at as at from simple_queue.lease'))[0]!
        .at;
    const before = await until();
    const rival = await Rival.connect(database);
    await rival.begin();
    await rival.query('select from simple_queue.lease for update');
    const missing: string[] = [];
    const standIn = new StandIn(ours, {
      ...{ leaseMs: 60_000, intervalMs: 40, stuckMs: 60_000, queryTimeoutMs: 60_000 },
      onMissing: (reason) => missing.push(reason),
    });
    await standIn.taken(lease, performance.now());
    clearInterval((standIn as unknown as { pulse: NodeJS.Timeout }).pulse);
    const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    let first: unknown[] = [];
    await eventually(async () => expect((first = await database.query(waiting))).toHaveLength(1));
    await database.query(LONG.text);
    expect(await database.query(waiting)).toEqual(first);
    await rival.commit();
    await rival.close();
    await eventually(async () => expect((await until()).getTime()).toBeGreaterThan(before.getTime() + 30_000)); // prettier-ignore
    await standIn.stop();
    expect(missing).toEqual([]);
  });
});
