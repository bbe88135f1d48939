import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { QueueLimits } from '../../lib/limits/queue-limits.js';
import { JobResult } from '../../lib/job/job-result.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { roleScript, type RoleKind } from '../../migrations/roles.js';
import {
  aHandler,
  anApplication,
  type TestApplication,
  type TestApplicationOptions,
  failedLoops,
} from '../support/application.js';
import { cli } from '../support/cli.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';

const prefix = `q_${randomBytes(4).toString('hex')}`;
const KINDS = ['enqueue', 'worker', 'operate', 'read', 'produce'] as const;

/** What a process of each kind does, as a role that has the rights of the script and no others. */
describe('the roles of the script', () => {
  let owner: TestStorage;
  const open: TestApplication[] = [];

  beforeAll(async () => {
    owner = await aStorage();
    for (const text of [
      ...roleScript('simple_queue', prefix),
      ...roleScript('simple_queue', prefix),
    ])
      await owner.database.query(text);
    for (const kind of KINDS)
      await owner.database.query(
        `create role ${login(kind)} login password 'x' in role ${prefix}_${kind}`,
      );
  });

  afterAll(async () => {
    await Promise.all(open.map((application) => application.close()));
    const roles = KINDS.flatMap((kind) => [login(kind), `${prefix}_${kind}`]).join(', ');
    await owner.database.query(`drop owned by ${roles}`);
    await owner.database.query(`drop role ${roles}`);
    await owner.close();
  });

  const login = (kind: string) => `${prefix}_${kind}_login`;
  const url = (kind: string) =>
    Object.assign(new URL(owner.database.url), { username: login(kind), password: 'x' }).href;
  const start = async (kind: RoleKind, given: TestApplicationOptions = {}) => {
    const options = { migrate: 'check' as const, worker: false, ...given.options };
    const application = await anApplication({ url: url(kind) } as TestDatabase, {
      ...given,
      options,
    });
    open.push(application);
    return application;
  };

  it('let a process enqueue in every way, find, cancel, wait and commit, and see nothing missing', async () => {
    const { queues, app, dataSource } = await start('enqueue', {
      options: { queues: { fairly: { fair: true } } },
    });
    const { id } = await queues.enqueue('plain', { n: 1 });
    await queues.enqueueMany('plain', [
      { payload: 1 },
      { payload: 2, delayMs: 60_000, uniqueKey: 'k' },
    ]);
    await queues.enqueue('plain', 3, { uniqueKey: 'k', onConflict: 'replace' });
    await queues.enqueue('plain', 4, {
      uniqueKey: 't',
      onConflict: 'throttle',
      periodMs: 60_000,
    } as never);
    await queues.enqueue('plain', 5, {
      maxPending: 100,
      fingerprint: 'f',
      id: crypto.randomUUID(),
    });
    await queues.enqueue('lined', 1, { group: 'a', ordered: true });
    const second = await queues.enqueue('lined', 2, { group: 'a', ordered: true });
    await queues.enqueue('fairly', 1, { group: 'a' });
    const staged = await queues.enqueue('plain', 6, { staged: true });
    const aborted = await queues.enqueue('plain', 7, { staged: true });
    await queues.commit(staged.id);
    await queues.abort(aborted.id);
    await dataSource.transaction((manager) => queues.enqueue('plain', 8, { manager }));
    expect(await queues.find(second.id)).toMatchObject({ state: 'blocked' });
    expect(await queues.cancel({ id })).toMatchObject({ cancelled: 1 });
    expect(await queues.cancel({ id: second.id })).toMatchObject({ cancelled: 1 });
    expect(await queues.cancel({ fingerprint: 'f' })).toMatchObject({ cancelled: 1 });
    const findings = await app
      .get(QueueDoctor, { strict: false })
      .examine({ only: ['RIGHTS', 'SCHEMA'] });
    expect(findings).toMatchObject([{ level: 'ok' }, { level: 'ok' }]);
  });

  it('let a process that only enqueues enter a limit that is full, and free what a dead call held', async () => {
    const limits = { payments: { concurrency: 1 } };
    const { app } = await start('enqueue', { options: { limits, reaperIntervalMs: 100 } });
    const within = app.get(QueueLimits, { strict: false });
    const calls = Array.from({ length: 5 }, (_, n) => within.within('payments', async () => n));
    expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 4]);
    await owner.database.query(`
      with dead as (
        insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at)
        values ('payments', 0, gen_random_uuid(), 1, 1, 'dead', now() - interval '1 hour'))
      update simple_queue.fleet_limit set allotted = 1 where name = 'payments'`);
    expect(await within.within('payments', () => 'entered')).toBe('entered');
  });

  it('let a worker run, retry, bury, checkpoint, reap and pull', async () => {
    const ends = {
      ok: JobResult.success('x'),
      bad: JobResult.fail('no'),
      again: JobResult.retryIn(1),
    };
    const worker = await start('worker', {
      options: { worker: true, maxAttempts: 2 },
      providers: [aHandler('work', (job) => ends[job.payload as keyof typeof ends])],
    });
    const jobs = await Promise.all([
      ...(['ok', 'bad', 'again'] as const).map((end) => worker.queues.enqueue('work', end)),
      worker.queues.enqueue('work', 'ok', { group: 'g', ordered: true }),
      worker.queues.enqueue('work', 'ok', { delayMs: 10 }),
    ]);
    await eventually(async () => {
      const found = await Promise.all(jobs.map(({ id }) => worker.queues.find(id)));
      expect(found.map((job) => job?.state)).toEqual([
        'succeeded',
        'failed',
        'failed',
        'succeeded',
        'succeeded',
      ]);
    });
    const pulled = worker.app.get(JobQueue, { strict: false });
    await worker.queues.enqueue('remote', 1);
    const claim = await eventually(async () => {
      const answer = await pulled.claim({ workerId: 'w', queues: ['remote'] });
      expect(answer.jobs).toHaveLength(1);
      return answer;
    });
    await pulled.renewLease(claim.leaseId, 10_000);
    await pulled.complete(claim.leaseId, claim.jobs[0]!.id);
    await pulled.reapExpiredLeases();
    expect(failedLoops(worker)).toEqual([]);
  });

  it('let an operator look, pause, retry, redrive, purge and cancel', async () => {
    const { app, queues } = await start('operate');
    const admin = app.get(QueueAdmin, { strict: false });
    const rival = await Rival.connect(owner.database);
    const { id } = await queues.enqueue('broken', 1);
    await rival.query(`with gone as (delete from simple_queue.ready where id = $1), j as (delete from simple_queue.job where id = $1 returning *)
      insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
      select id, 0, 'failed', lane, 0, 1, 0, 0, now(), now(), now(), now() + interval '1 day' from j`, [id]); // prettier-ignore
    await rival.close();
    await admin.pause('broken');
    await admin.resume('broken');
    expect(await admin.retry(id)).toBeTruthy();
    expect(await queues.cancel({ id })).toMatchObject({ cancelled: 1 });
    for (const argv of [
      ['queues'],
      ['jobs'],
      ['workers'],
      ['job', id],
      ['explain', id],
      ['purge', '--queue', 'broken', '--state', 'cancelled', '--yes'],
    ])
      expect(await cli(argv, { env: { DATABASE_URL: url('operate') } })).toMatchObject({ code: 0 });
  });

  it('let a worker maintain, and say so to an operator', async () => {
    const maintain = (kind: string) => cli(['maintain'], { env: { DATABASE_URL: url(kind) } });
    expect(await maintain('operate')).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        'take the rights of queue_operate, "maintain" those of queue_worker',
      ),
    });
    expect(await maintain('worker')).toMatchObject({
      out: expect.stringContaining('given back'),
      err: '',
    });
  });

  it('let an operator see that there are sessions of others', async () => {
    const rival = await Rival.connect({ url: url('read') } as TestDatabase);
    const { out } = await cli(['sessions'], { env: { DATABASE_URL: url('operate') } });
    await rival.close();
    expect(out).toMatch(new RegExp(`${login('read')} .*not shown to this role`));
  });

  it('let a login that only reads see no trouble of the server', async () => {
    await owner.database.query(
      `alter role ${login('read')} set default_transaction_read_only = on`,
    );
    const { out } = await cli(['doctor', '--only', 'DURABILITY'], { env: { DATABASE_URL: url('read') } }); // prettier-ignore
    await owner.database.query(`alter role ${login('read')} reset default_transaction_read_only`);
    expect(out).not.toContain('takes no writes');
  });

  it('let a reader look, and change nothing', async () => {
    for (const argv of [['status'], ['queues'], ['jobs'], ['workers']])
      expect([argv, await cli(argv, { env: { DATABASE_URL: url('read') } })]).toEqual([
        argv,
        expect.objectContaining({ err: '' }),
      ]);
    const denied = await cli(['enqueue', 'plain', '1'], { env: { DATABASE_URL: url('read') } });
    expect(denied.code).toBe(1);
  });

  it('let an SQL producer store a job and neither read nor write a table, whatever its search path holds', async () => {
    const rival = await Rival.connect({ url: url('produce') } as TestDatabase);
    await rival.query(`create temp table job (id int); create temp table lane (id int)`);
    await rival.query(
      `create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select 'infinity'::timestamptz $$`,
    );
    await rival.query(`set search_path = pg_temp, simple_queue, pg_catalog`);
    const [stored] = await rival.query<{ id: string; created: boolean }>(
      `select * from simple_queue.produce('from-sql', '{"n": 1}', unique_key => 'once')`,
    );
    expect(await owner.storage.jobs.find(stored!.id)).toMatchObject({
      queue: 'from-sql',
      payload: { n: 1 },
      state: 'ready',
    });
    expect(
      await rival.query(
        `select created from simple_queue.produce('from-sql', unique_key => 'once')`,
      ),
    ).toEqual([{ created: false }]);
    for (const text of [
      'select from simple_queue.job',
      `insert into simple_queue.ready values (1, 0, 0, now(), gen_random_uuid(), 0)`,
      `select simple_queue.enqueue('from-sql')`,
    ])
      await expect(rival.query(text)).rejects.toMatchObject({ code: '42501' });
    await rival.close();
    const other = await Rival.connect({ url: url('read') } as TestDatabase);
    await expect(other.query(`select simple_queue.produce('x')`)).rejects.toMatchObject({
      code: '42501',
    });
    await other.close();
  });
});

it('are printed for any schema and prefix without a database', async () => {
  const { out } = await cli(['roles', '--schema', 'billing_queue', '--prefix', 'billing']);
  expect(out).toContain('grant usage on schema "billing_queue" to billing_enqueue;');
  expect(out).not.toContain('simple_queue.');
  for (const argv of [
    ['--prefix', 'a; drop'],
    ['--schema', 'x"y'],
  ])
    expect((await cli(['roles', ...argv])).code).not.toBe(0);
  const database = await anEmptyDatabase();
  await cli(['migrate', 'up'], { env: { DATABASE_URL: database.url } });
  await database.query((await cli(['roles', '--prefix', prefix])).out);
  await database.query(`drop owned by ${KINDS.map((kind) => `${prefix}_${kind}`).join(', ')}`);
  await database.query(`drop role ${KINDS.map((kind) => `${prefix}_${kind}`).join(', ')}`);
  await database.drop();
});
