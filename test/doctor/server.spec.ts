import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Storage } from '../../lib/storage/storage.js';
import { eventually } from '../support/eventually.js';
import { scaled } from '../support/patience.mjs';
import { Pooler } from '../support/pooler.js';
import { Rival } from '../support/storage.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { aPractice, ailing, of, type Practice } from './a-doctor.js';

let practice: Practice;

beforeAll(async () => void (practice = await aPractice()));
afterAll(() => practice.close());
afterEach(() => void jest.restoreAllMocks());

/** What the test server is, which is no good server for production. */
const OF_THE_TEST_SERVER = ['DURABILITY', 'SERVER', 'REPLICATION_SLOTS'];

it('finds nothing wrong with a fresh queue, as an ordinary role, and says what it has looked at', async () => {
  const findings = await practice.doctor.examine();
  expect(
    findings.filter(({ level, code }) => level !== 'ok' && !OF_THE_TEST_SERVER.includes(code)),
  ).toEqual([]);
  expect(findings.filter(({ level }) => level === 'ok').map(({ code }) => code)).toEqual(
    expect.arrayContaining([
      'CLOCK',
      'ENCODING',
      'CONNECTIONS',
      'ISOLATION',
      'SCHEMA',
      'SCHEMA_DRIFT',
      'RIGHTS',
      'POOLER',
      'LISTEN',
      'VACUUM',
    ]),
  );
  expect(findings.find(({ level, advice }) => level === 'ok' && advice !== '')).toBeUndefined();
});

it('says the worst first', async () => {
  const levels = (await practice.doctor.examine()).map(({ level }) => level);
  expect(levels).toEqual([...levels].sort((a, b) => LEVELS.indexOf(a) - LEVELS.indexOf(b)));
});
const LEVELS = ['critical', 'warning', 'notice', 'ok'];

it('names a server that may lose what it has acknowledged', async () => {
  const [row] = await practice.database.query<{ fsync: string }>('show fsync');
  const found = (await practice.ask('DURABILITY')).map(({ level, found }) => `${level}: ${found}`);
  expect(found.some((text) => text.startsWith('critical: fsync is off'))).toBe(
    row!.fsync === 'off',
  );
});

it('names a server that gets no security fixes any more', async () => {
  const [row] = await practice.database.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  const [finding] = await practice.ask('SERVER');
  expect(finding!.level === 'warning').toBe(row!.version < 150_000);
  expect(finding!.found).toContain(`PostgreSQL ${Math.floor(row!.version / 10_000)}`);
});

it('names the want of connections for one more process', async () => {
  const doctor = await practice.another({}, practice.url, { poolSize: 1_000 });
  expect(of('CONNECTIONS', await doctor.examine({ only: ['CONNECTIONS'] }))).toMatchObject([
    {
      level: 'warning',
      found: expect.stringMatching(
        /connections are taken, and one more process may open up to 1046\.$/,
      ),
    },
  ]);
});

it('names a database that only reads', async () => {
  const name = new URL(practice.url).pathname.slice(1);
  await practice.database.query(`alter database ${name} set default_transaction_read_only = on`);
  const doctor = await practice.another({});
  const [first] = of('DURABILITY', await doctor.examine({ only: ['DURABILITY'] }));
  await practice.database.query(
    `set default_transaction_read_only = off; alter database ${name} reset default_transaction_read_only`,
  );
  expect(first).toMatchObject({
    level: 'critical',
    found: expect.stringContaining('takes no writes'),
  });
});

it('measures the difference of the clocks', async () => {
  const now = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + 180_000);
  const [clock] = await practice.ask('CLOCK');
  expect(clock).toMatchObject({
    level: 'warning',
    found: "The clock of this process is 3 minutes ahead of the server's.",
  });
});

it('names the isolation that transactions of the application begin with', async () => {
  const options = { queues: { mail: { maxPending: 10 } } };
  const extra = { options: '-c default_transaction_isolation=serializable' };
  const [plain] = of(
    'ISOLATION',
    await (await practice.another({}, practice.url, { extra })).examine(),
  );
  expect(plain).toMatchObject({ level: 'notice', found: expect.stringContaining('SERIALIZABLE') });
  const [limited] = of(
    'ISOLATION',
    await (await practice.another(options, practice.url, { extra })).examine(),
  );
  expect(limited).toMatchObject({
    level: 'warning',
    found: expect.stringContaining('Enqueues into mail are refused'),
  });
});

it('names a schema that transactions of the application search before that of PostgreSQL', async () => {
  const found = async (path: string) =>
    of(
      'ISOLATION',
      await (
        await practice.another({}, practice.url, { extra: { options: `-c search_path=${path}` } })
      ).examine(),
    )[0];
  expect(await found('simple_queue,pg_catalog,public')).toMatchObject({
    level: 'critical',
    found: expect.stringContaining('has simple_queue before pg_catalog'),
  });
  for (const path of ['simple_queue,public', 'pg_catalog,simple_queue', 'pg_temp,pg_catalog'])
    expect(await found(path)).toMatchObject({ level: 'ok' });
});

it('names a pool of the application that has no connection left', async () => {
  const doctor = await practice.another({}, practice.url, { poolSize: 1 });
  const runner = dataSourceOf(doctor).createQueryRunner();
  await runner.connect();
  // A busy machine may have no time for the looks before.
  await eventually(async () => {
    const findings = await doctor.examine({ only: ['ISOLATION'], timeoutMs: scaled(200) });
    expect(of('ISOLATION', findings)).toMatchObject([
      {
        level: 'warning',
        found: expect.stringMatching(
          /^The DataSource's pool of 1 connection gave none within \d+ /,
        ),
      },
    ]);
  });
  await runner.release();
});

const dataSourceOf = (doctor: unknown): DataSource =>
  (doctor as { storage: { database: { dataSource: DataSource } } }).storage.database.dataSource;

describe('connections', () => {
  it('tells a pooler in transaction mode, which needs an option, from one that keeps sessions', async () => {
    const [transaction, session] = await Promise.all([
      Pooler.start(practice.url, 'transaction'),
      Pooler.start(practice.url, 'session'),
    ]);
    const given = { preparedStatements: false, wakeUp: 'off' } as const;
    const careful = await practice.another({ ...given, poolMode: 'transaction' }, transaction.url);
    // A start without the option is refused: the pooler was put there later, or the doctor comes by the command line.
    const careless = new QueueDoctor(
      (careful as unknown as { storage: Storage }).storage,
      resolveOptions(given).options,
    );
    const kept = await practice.another(given, session.url);
    const [a] = of('POOLER', await careless.examine({ only: ['POOLER'] }));
    const [b] = of('POOLER', await careful.examine({ only: ['POOLER'] }));
    const [c] = of('POOLER', await kept.examine({ only: ['POOLER'] }));
    expect(a).toMatchObject({
      level: 'critical',
      advice: expect.stringContaining("poolMode: 'transaction'"),
    });
    expect(b).toMatchObject({ level: 'ok', found: expect.stringContaining('transaction mode') });
    expect(c).toMatchObject({ level: 'ok', found: expect.stringContaining('keeps a session') });
    transaction.stop();
    session.stop();
  });

  it('names an option for a pooler that is not there', async () => {
    const doctor = await practice.another({ poolMode: 'transaction', wakeUp: 'off' });
    expect(of('POOLER', await doctor.examine({ only: ['POOLER'] }))).toMatchObject([
      { level: 'notice' },
    ]);
  });

  it('sends a NOTIFY and waits for it, where wake-ups are wanted', async () => {
    const elsewhere = Object.assign(new URL(practice.database.url), { pathname: '/postgres' }).href;
    const deaf = await practice.another({ listenUrl: elsewhere });
    await eventually(async () => {
      const findings = await deaf.examine({ only: ['LISTEN'], timeoutMs: scaled(150) });
      expect(of('LISTEN', findings)).toMatchObject([
        {
          level: 'warning',
          found: expect.stringMatching(/did not come to a listener within \d+ /),
        },
      ]);
    });
    const mute = await practice.another({ wakeUp: 'off' });
    expect(of('LISTEN', await mute.examine({ only: ['LISTEN'] }))).toMatchObject([{ level: 'ok' }]);
  });

  it('says so when the database is away or silent, in bounded time, and nothing else', async () => {
    const proxy = await TcpProxy.start(practice.url);
    const limits = [
      { queryTimeoutMs: scaled(1_500) },
      { connectTimeoutMS: scaled(1_500) },
    ] as const;
    const doctor = await practice.another(limits[0], proxy.url, limits[1]);
    proxy.refuse();
    expect(ailing(await doctor.examine({ timeoutMs: 200 }))).toEqual(['DATABASE']);
    await proxy.pass();
    await eventually(async () => expect(of('DATABASE', await doctor.examine())).toEqual([]));
    // The line is slower than the doctor waits, for connections that it opens from now on, too.
    proxy.delay(1_000);
    expect(await doctor.examine({ timeoutMs: 200 })).toMatchObject([
      { code: 'DATABASE', level: 'critical' },
    ]);
    proxy.stop();
  });
});

describe('what holds vacuum back', () => {
  it('names a long transaction by process, role and state, and never its statement', async () => {
    const rival = await Rival.connect({ ...practice.database, url: practice.url });
    await rival.query(`set application_name = E'nightly\\nreport'`);
    await rival.begin('repeatable read');
    const [{ pid }] = (await rival.query<{ pid: number }>(
      `select pg_backend_pid() as pid, 'secret' as word`,
    )) as [{ pid: number }];
    expect(await practice.ask('HORIZON')).toEqual([]);
    const [finding] = await practice.ask('HORIZON', { longTransactionMs: 0 });
    expect(finding).toMatchObject({
      level: 'warning',
      advice: expect.stringContaining(`npx --no simple-queue sessions --end ${pid} --yes`),
    });
    expect(finding!.found).toMatch(
      new RegExp(
        `^Process ${pid} \\(application "nightly.{1,4}report", role "${practice.role}"\\) has a transaction open for `,
      ),
    );
    expect(finding!.found).toContain('(idle in transaction, last statement: select)');
    expect(finding!.found).not.toContain('secret');
    await rival.close();
    expect(await practice.ask('HORIZON', { longTransactionMs: 60_000 })).toEqual([]);
  });

  it('names one of another role by the number of transactions, which is all that an ordinary role may see', async () => {
    const rival = await Rival.connect(practice.database);
    await rival.begin();
    const [{ id }] = (await rival.query(`select pg_current_xact_id()::text as id`)) as [
      { id: string },
    ];
    const young = await Rival.connect(practice.database);
    await practice.database.query(
      // Those of tests beside this one count as well: the server has one counter for all of its databases.
      `do $$ begin for i in 1..10010 loop perform pg_current_xact_id(); commit; end loop; end $$`,
    );
    const oldest = `select pg_snapshot_xmin(pg_current_snapshot())::text as id`;
    await eventually(async () => expect(await practice.database.query(oldest)).toEqual([{ id }]));
    // What it sees is as old as the one that writes, and it began just now.
    await young.begin('repeatable read');
    await young.query('select 1');
    const found = (await practice.ask('HORIZON')).map((finding) => finding.found);
    expect(found).toEqual([
      expect.stringMatching(
        /role "postgres"\) has a transaction open for \d{2,},\d{3} transactions\./,
      ),
    ]);
    await rival.close();
    await young.close();
  });

  it('names prepared transactions', async () => {
    const [row] = await practice.database.query<{ most: number }>(
      `select current_setting('max_prepared_transactions')::int as most`,
    );
    const rival = await Rival.connect(practice.database);
    await rival.begin();
    await rival.query('insert into simple_queue.queue (name) values ($1)', ['prepared']);
    if (row!.most > 0) await rival.query(`prepare transaction 'forgotten'`);
    const [notice] = await practice.ask('PREPARED_TRANSACTIONS');
    const [warning] = await practice.ask('PREPARED_TRANSACTIONS', { longTransactionMs: 0 });
    if (row!.most > 0) await practice.database.query(`rollback prepared 'forgotten'`);
    await rival.close();
    expect([notice?.level, warning?.level]).toEqual(
      row!.most > 0 ? ['notice', 'warning'] : [undefined, undefined],
    );
    expect(notice?.found ?? 'Transaction "forgotten" of').toContain('Transaction "forgotten" of');
  });

  it('names replication slots that nobody uses', async () => {
    await practice.database.query(`select pg_create_physical_replication_slot($1, true)`, [
      practice.role,
    ]);
    const found = (await practice.ask('REPLICATION_SLOTS')).filter((finding) =>
      finding.found.includes(practice.role),
    );
    await practice.database.query(`select pg_drop_replication_slot($1)`, [practice.role]);
    expect(found).toMatchObject([
      {
        level: 'warning',
        found: expect.stringMatching(/is used by nobody\. It keeps [\d,]+ MB of WAL/),
      },
    ]);
  });

  it('warns of no dead rows that autovacuum has simply not come to, and of those that it had time for', async () => {
    const { database } = practice;
    await database.query(
      'alter table simple_queue.ready set (autovacuum_vacuum_threshold = 2000000000)',
    );
    const rival = await Rival.connect(database);
    await rival.query(
      `insert into simple_queue.ready (id, shard, lane, epoch, priority, run_at)
       select gen_random_uuid(), 0, 1, 0, 0, now() from generate_series(1, 100001)`,
    );
    await rival.query('delete from simple_queue.ready');
    await rival.close();
    await eventually(async () =>
      expect(await practice.ask('VACUUM')).toMatchObject([
        { level: 'notice', found: 'Table ready has 100,001 dead rows and was never vacuumed.' },
      ]),
    );
    const ran = (at: string) =>
      database.query(
        `insert into simple_queue.tally (lane, shard, minute, grain, worker, expires_at, started, succeeded, retried, rescheduled, released, cancelled, failed, lost, wait, run)
         select -1, shard, now() - $1::interval, 1, '', now() + interval '1 day', 100001, 0, 0, 0, 0, 0, 0, 0, '{}', '{}' from (select 0 as shard) s`,
        [at],
      );
    await ran('5 minutes');
    expect(await practice.ask('VACUUM')).toMatchObject([{ level: 'notice' }]);
    await ran('1 hour');
    expect(await practice.ask('VACUUM')).toMatchObject([
      { level: 'warning', advice: expect.stringContaining('`vacuum simple_queue.ready`') },
    ]);
    await database.query('vacuum simple_queue.ready');
    await eventually(async () => expect(await practice.ask('VACUUM')).toMatchObject([{ level: 'ok' }])); // prettier-ignore
    await database.query(
      'alter table simple_queue.ready set (autovacuum_vacuum_threshold = 10000)',
    );
    await database.query('truncate simple_queue.tally');
  });

  it('names tables whose dead rows pile up, and autovacuum that is off', async () => {
    await practice.database.query(
      'alter table simple_queue.vacant set (autovacuum_enabled = false)',
    );
    // Counted when the connection closes.
    const rival = await Rival.connect(practice.database);
    await rival.query(
      `insert into simple_queue.vacant select n::text, 0, 1 from generate_series(1, 100001) n`,
    );
    await rival.query(`delete from simple_queue.vacant`);
    await rival.close();
    await eventually(async () => {
      const findings = await practice.doctor.examine({
        only: ['AUTOVACUUM', 'VACUUM', 'SCHEMA_DRIFT'],
      });
      expect(of('AUTOVACUUM', findings)).toMatchObject([
        { level: 'critical', found: expect.stringContaining('vacant') },
      ]);
      expect(of('VACUUM', findings)).toMatchObject([
        { level: 'warning', found: 'Table vacant has 100,001 dead rows and was never vacuumed.' },
      ]);
      expect(of('SCHEMA_DRIFT', findings)).toMatchObject([
        {
          level: 'warning',
          found: 'Not of the migrations: parameter vacant.autovacuum_enabled (false).',
        },
      ]);
    });
    await practice.database.query('alter table simple_queue.vacant reset (autovacuum_enabled)');
    await practice.database.query('vacuum simple_queue.vacant');
    await eventually(async () => {
      expect(
        ailing(await practice.doctor.examine({ only: ['AUTOVACUUM', 'VACUUM', 'SCHEMA_DRIFT'] })),
      ).toEqual([]);
    });
  });
});

it('refuses options that mean nothing', async () => {
  const wrong = { only: ['LUCK'], templates: ['mail'], timeout: 5, longTransactionMs: -1 } as never;
  await expect(practice.doctor.examine(wrong)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(
      /only\[0\] must be .*templates\[0\] must be a template.*timeout is not known.*longTransactionMs/,
    ),
  });
});
