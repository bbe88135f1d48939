import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { Trouble } from '../../lib/job/trouble.js';
import { QueueService } from '../../lib/queue.service.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { Ticker } from '../../lib/schedules/ticker.js';
import { roleScript } from '../../migrations/roles.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { checkPlaces } from '../support/check-places.js';
import { cli } from '../support/cli.js';
import { endedJobs } from '../support/ended-jobs.js';
import { eventually } from '../support/eventually.js';
import { aSite } from '../support/site.js';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';

/** Eight troubles as whoever is on call meets them: `status` names each, one command shows more, one puts it right. */
describe('called at night, with the command line alone', () => {
  let test: TestStorage;
  let admin: QueueAdmin;
  let queues: QueueService;
  const role = `on_call_${randomBytes(4).toString('hex')}`;
  let ordinary: string;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
    queues = new QueueService(test.storage, test.options, test.events);
    await query(`create role ${role} login password 'night'`);
    for (const text of roleScript('simple_queue', role)) await query(text);
    await query(`grant ${role}_operate to ${role}`);
    const address = { username: role, password: 'night' };
    ordinary = Object.assign(new URL(test.database.url), address).href;
  });
  beforeEach(async () => {
    await test.rows.clear();
    await query('update simple_queue.queue set paused_at = null');
  });
  afterAll(async () => {
    const kinds = ['enqueue', 'worker', 'operate', 'read'].map((kind) => `${role}_${kind}`);
    for (const each of [role, ...kinds])
      await query(`drop owned by ${each}`).catch(() => undefined);
    for (const each of [role, ...kinds]) await query(`drop role ${each}`).catch(() => undefined);
    await test.close();
  });

  const query = (text: string, values?: unknown[]) => test.database.query(text, values);
  const run = (argv: string[], url = test.database.url) =>
    cli(argv, { env: { DATABASE_URL: url } });
  /** As a shell takes it apart. */
  const wordsOf = (command: string): string[] =>
    [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!).slice(3);
  const troubles = async (url?: string) =>
    ((await run(['status', '--json'], url)).json as { troubles: Trouble[] }).troubles;
  const find = async (code: string, url?: string) =>
    (await troubles(url)).find((trouble) => trouble.code === code);
  /** A worker that serves these lanes. */
  const aWorker = async (...lanes: number[]) => {
    const id = await test.rows.lease('1 hour', 'host:1');
    await query('update simple_queue.lease set lanes = $2 where id = $1', [id, lanes]);
    return id;
  };

  /** What status names is shown by one command, put right by another, and gone then. */
  async function putRight(code: string, shows: string | RegExp, exit = 1): Promise<Trouble> {
    const status = await run(['status']);
    expect(status.code).toBe(exit);
    const trouble = (await find(code))!;
    // Meanwhile it has lasted longer.
    expect(status.out).toContain(`${code}  ${trouble.text.replace(/ for \d[^]*/, '')}`);
    expect(status.out).toContain(`fix:  ${trouble.fix}`);
    const look = await run(wordsOf(trouble.look));
    expect(look.out).toMatch(shows);
    expect(await run(wordsOf(trouble.fix))).toMatchObject({ code: 0 });
    expect(await find(code)).toBeUndefined();
    expect(await checkPlaces(test.storage)).toEqual([]);
    return trouble;
  }

  it('a blocked group', async () => {
    const items = Array.from({ length: 4 }, () => ({ payload: 1, group: 'a 7', ordered: true }));
    const [head, next] = await queues.enqueueMany('ledger', items);
    await query('delete from simple_queue.ready where id = $1', [head!.id]);
    const run = { id: head!.id, epoch: 0 };
    await test.rows.claim([run], await aWorker((await test.rows.lane('ledger')).id));
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 864e5 } as const;
    await test.storage.settlements.bury('w', [
      { ...run, verdict: { ...verdict, onDeadJob: 'block' } },
    ]);
    await query('delete from simple_queue.claim');
    const { troubles: known } = await admin.explain(next!.id);
    expect(known).toMatchObject([
      { code: 'BLOCKED_GROUPS', fix: 'npx --no simple-queue release ledger --all --yes' },
    ]);
    await putRight('BLOCKED_GROUPS', new RegExp(`a 7 .*${head!.id}`));
  });

  it('a dead worker', async () => {
    const { id, lane } = await test.rows.job({
      state: 'running',
      lease: await test.rows.lease('-10 minutes', 'host:9'),
    });
    await aWorker(lane);
    expect(await admin.explain(id)).toMatchObject({ troubles: [{ code: 'WORKER_SILENT' }] });
    const { text } = await putRight('WORKER_SILENT', /host:9 +silent/);
    expect(text).toBe('Worker host:9 is silent for 10 minutes beyond its lease, and holds 1 job.');
  });

  it('a worker that is gone, and whose transaction is still open', async () => {
    const lease = await test.rows.lease('-1 second', 'host:9');
    const { id, lane } = await test.rows.job({ state: 'running', lease });
    await aWorker(lane);
    const gone = await Rival.connect(test.database);
    // As `context.complete` does.
    await gone.begin();
    await gone.query('delete from simple_queue.job where id = $1', [id]);
    await query('delete from simple_queue.lease where id = $1', [lease]);
    await run(['maintain']);
    expect((await run(['status'])).code).toBe(1);
    const { text, look, fix } = (await find('WORKER_SILENT'))!;
    expect(text).toMatch(
      /^Worker unknown is silent, and holds 1 job\. Process \d+ .* has a transaction open/,
    );
    expect((await run(wordsOf(look))).out).toContain('idle in transaction');
    expect((await admin.explain(id)).troubles).toMatchObject([{ code: 'WORKER_SILENT', fix }]);
    expect(await run(wordsOf(fix))).toMatchObject({ code: 0 });
    await run(['maintain']);
    expect(await find('WORKER_SILENT')).toBeUndefined();
    expect((await queues.find(id))?.state).not.toBe('running');
    await gone.close();
  });

  it('a queue that was paused and forgotten', async () => {
    const { id, lane } = await test.rows.job({ queue: 'mail' });
    await aWorker(lane);
    await run(['pause', 'mail']);
    // A moment ago somebody may have wanted it.
    expect(await run(['status'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^1 notice$[^]*is paused/m),
    });
    await query(
      `update simple_queue.queue set paused_at = now() - interval '3 hours' where name = 'mail'`,
    );
    expect(await admin.explain(id)).toMatchObject({ troubles: [{ code: 'PAUSED_QUEUES' }] });
    const { text } = await putRight('PAUSED_QUEUES', /paused +since/);
    expect(text).toBe('Queue "mail" is paused for 3 hours: 1 job waits.');
  });

  it('a poisoned job', async () => {
    const [id] = await endedJobs(test, 1, { state: 'failed' });
    await query(`update simple_queue.dead_letter set state = 'poisoned', stalls = 3`);
    expect(await admin.explain(id!)).toMatchObject({ troubles: [{ code: 'POISONED_JOBS' }] });
    await putRight('POISONED_JOBS', new RegExp(id!));
  });

  it('a job whose handler is missing', async () => {
    const { id } = await test.rows.job({ queue: 'mail', name: 'reminder', due: '-2 hours' });
    await aWorker((await test.rows.lane('mail', 'welcome')).id);
    expect(await admin.explain(id)).toMatchObject({ troubles: [{ code: 'NO_HANDLER' }] });
    // One command explains it, and has the one that puts it right.
    expect((await run(['explain', id])).out).toContain(
      'fix:  npx --no simple-queue cancel --queue mail --name reminder --state ready,blocked --yes',
    );
    const { text } = await putRight('NO_HANDLER', /reminder .*no worker/);
    expect(text).toBe(
      'No live worker has a handler for "reminder" of queue "mail": 1 job waits for 2 hours.',
    );
  });

  it('a queue that nobody serves', async () => {
    await test.rows.jobs(3, { queue: 'orphans', due: '-2 hours' });
    await aWorker((await test.rows.lane('mail')).id);
    const { fix } = await putRight('NO_HANDLER', /\(none\) .*no worker/);
    expect(fix).toBe(
      "npx --no simple-queue cancel --queue orphans --name '' --state ready,blocked --yes",
    );
  });

  it('no worker at all: a process has to be started', async () => {
    const { id, lane } = await test.rows.job({ queue: 'mail' });
    expect(await find('NO_WORKER')).toMatchObject({
      fix: '',
      hint: expect.stringContaining('Start'),
    });
    expect(await admin.explain(id)).toMatchObject({ troubles: [{ code: 'NO_WORKER' }] });
    await aWorker(lane);
    expect(await find('NO_WORKER')).toBeUndefined();
  });

  it('connections that are used up', async () => {
    const rival = await Rival.connect(test.database);
    const name = new URL(test.database.url).pathname.slice(1);
    await query(`alter database ${name} connection limit 3`);
    const trouble = (await find('CONNECTIONS'))!;
    expect(trouble.text).toMatch(/ of 3 connections of database "test_\w+" are taken/);
    expect((await run(wordsOf(trouble.look))).out).toMatch(/sessions +role/);
    expect(await run(wordsOf(trouble.fix))).toMatchObject({ code: 0 });
    await query(`alter database ${name} connection limit -1`);
    expect(await find('CONNECTIONS')).toBeUndefined();
    await rival.close();
  });

  it('connections that rest in a transaction which nobody ends', async () => {
    const [resting, busy] = [
      await Rival.connect(test.database),
      await Rival.connect(test.database),
    ];
    await resting.begin();
    const work = busy.query('select pg_sleep(60)').catch((error: Error) => error.message);
    await eventually(async () =>
      expect(
        (await query(`select state from pg_stat_activity where datname = current_database() and state in ('active', 'idle in transaction') and pid <> pg_backend_pid() order by 1`)).map((row) => (row as { state: string }).state), // prettier-ignore
      ).toEqual(['active', 'idle in transaction']),
    );
    const { out } = await run(['sessions', '--end-idle', '1ms', '--yes']);
    expect(out).toMatch(/^[1-9]\d* sessions? (is|are) ended/);
    await expect(resting.query('select 1')).rejects.toThrow();
    // Connections of this test rested for so long as well, and some may not have noticed yet.
    await eventually(() => query(`select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'`)); // prettier-ignore
    expect(await work).toContain('canceling');
    for (const each of [resting, busy]) await each.close().catch(() => undefined);
  });

  it('a transaction that holds vacuum back', async () => {
    const rival = await Rival.connect(test.database);
    await rival.query('begin isolation level repeatable read');
    await rival.query('select count(*) from simple_queue.job');
    await query('create table burnt (n int)');
    await query(`do $$ begin for n in 1..10100 loop
      begin insert into burnt values (n); exception when others then null; end;
    end loop; end $$`);
    // An ordinary role sees no times of others: so many transactions later it is a long one all the same, unless an older transaction
    // writes, as those of other test files may for a while.
    const trouble = await eventually(async () => {
      const found = await find('HORIZON', ordinary);
      expect(found).toBeDefined();
      return found!;
    });
    expect(trouble.text).toContain('has a transaction open');
    expect((await run(wordsOf(trouble.look), ordinary)).out).toContain('holds vacuum back');
    expect(await run(wordsOf(trouble.fix))).toMatchObject({
      code: 0,
      out: '1 session is ended.\n',
    });
    // A backend takes a moment to notice that it is to end.
    await eventually(async () => expect(await find('HORIZON', ordinary)).toBeUndefined());
    await rival.close().catch(() => undefined);
  });

  it('a schedule that nobody ticks, under a name that looks like an option', async () => {
    const schedules = new QueueSchedules(test.storage, test.options, { events: test.events });
    await schedules.put('--night', { everyMs: 3_600_000, target: 'reports' });
    await query(`update simple_queue.schedule set next_at = now() - interval '2 hours'`);
    const { text, look, hint } = (await find('SCHEDULES'))!;
    expect(text).toBe('1 schedule is overdue for 2 hours: --night.');
    expect(await run(wordsOf(look))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/due .*2 h ago/),
    });
    expect(hint).toMatch(/^Start a worker/);
    await new Ticker(aSite(test)).round();
    expect(await find('SCHEDULES')).toBeUndefined();
    await schedules.remove('--night');
  });

  it('rows that somebody has deleted: of a place, of a step, a partition; and a limit that rests for hours', async () => {
    const { id } = await queues.enqueue('gone', 1);
    await query('delete from simple_queue.ready where id = $1', [id]);
    await putRight('LOST_JOBS', new RegExp(`${id}  lost`));
    expect((await queues.find(id))?.state).toBe('ready');

    const workflows = new QueueWorkflows(test.storage, test.options, test.events);
    const flow = await workflows.start(workflow('order').step('pay', 'gone', 1));
    for (const table of ['ready', 'job'])
      await query(`delete from simple_queue.${table} where id in (select id from simple_queue.step)`); // prettier-ignore
    await putRight('WORKFLOWS', /pay +running/);
    expect((await workflows.find(flow.id))?.state).toBe('failed');

    const [last] = await query(`select oid::regclass::text as name from pg_class where relname ~ '^tally_p[0-9]' and relkind = 'r' order by 1 desc offset 1 limit 1`); // prettier-ignore
    await query(`drop table ${(last as { name: string }).name}`);
    await putRight('PARTITIONS', /Missing partitions: tally_p/);

    await admin.setLimit('gone', { fleetConcurrency: 3 });
    await query(`update simple_queue.fleet_limit set held_until = now() + interval '3 hours'`);
    await putRight('LIMITS', /gone +3 +0 +rests/);
  });

  it('what else waits: staged jobs, late expiries, suspects, dead letters, rows set apart', async () => {
    const staged = (await queues.enqueue('late', 1, { staged: true })).id;
    await query(`update simple_queue.job set commit_by = now() - interval '1 hour' where id = $1`, [
      staged,
    ]);
    const { id: open } = await queues.enqueue('open', 1, { staged: true });
    await query(
      `update simple_queue.job set created_at = now() - interval '2 hours', commit_by = now() + interval '1 hour' where id = $1`,
      [open],
    );
    await test.rows.job({ queue: 'crashing', state: 'suspect' });
    await aWorker((await test.rows.lane('crashing')).id, (await test.rows.lane('mail')).id);
    await endedJobs(test, 2);
    const [apart] = await endedJobs(test, 1);
    await query(
      `update simple_queue.dead_letter set state = 'poisoned', last_error = '{"name":"QueueError","message":"-","code":"DATABASE_ERROR"}' where id = $1`,
      [apart],
    );
    const codes = ['UNREADABLE_JOBS', 'EXPIRY_LATE', 'STAGED_JOBS', 'SUSPECTS', 'DEAD_LETTERS'];
    expect((await troubles()).map(({ code }) => code)).toEqual(codes);
    // Most of them are innocent: no command ends them all.
    const suspects = codes.splice(3, 1)[0]!;
    expect((await find(suspects))!.fix).toBe('');
    // The last first: what runs again is a suspect, what expires a dead letter.
    for (const code of codes.toReversed()) {
      const { fix, look } = (await find(code))!;
      expect((await run(wordsOf(look))).code).toBe(0);
      expect(await run(wordsOf(fix))).toMatchObject({ code: 0 });
      expect(await find(code)).toBeUndefined();
    }
    expect(await run(['explain', randomUUID()])).toMatchObject({ code: 1 });
  });
});
