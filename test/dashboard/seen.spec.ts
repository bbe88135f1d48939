import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { QueueService } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { Storage } from '../../lib/storage/storage.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Rows } from '../support/rows.js';
import { aDatabase } from '../support/template.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

describe('what is done in a window that lags', () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;
  beforeAll(async () => {
    database = await aDatabase();
  });
  beforeEach(async () => {
    dashboard = await aDashboard(database);
  });
  afterEach(async () => {
    await dashboard.close();
    await new Rows(database).clear();
  });
  afterAll(() => database.drop());

  const queues = () => dashboard.app.get(QueueService);
  const act = async (name: string, body: object) => {
    const answer = await dashboard.post(`/queues/api/${name}`, body);
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  const look = async (path: string) =>
    (await (await dashboard.get(`/queues/api/${path}`)).json()) as {
      job: { finishedAt: string; payload: { digest: string } };
      jobs: { finishedAt: string }[];
      limits: { digest: string }[];
      limit: { digest: string };
      schedule: { digest: string };
      schedules: { digest: string }[];
    };
  const to = (to: string) => ({ payloadText: JSON.stringify({ to }) });
  const refused = (code: string) => ({ status: 409, code });

  it('does not run a job again that has ended meanwhile, whatever it was before', async () => {
    const { id } = await queues().enqueue('mail', 1, { delayMs: 1e7 });
    await queues().cancel({ id });
    const { finishedAt } = (await look(`job?id=${id}`)).job;
    const before = new Date(Date.parse(finishedAt) - 1).toISOString();
    for (const end of ['', before])
      expect(await act('retry', { ids: [id], seen: { [id]: end } })).toMatchObject({
        done: [],
        refused: [{ id, message: expect.stringContaining('has ended as cancelled meanwhile') }],
      });
    expect(await queues().find(id)).toMatchObject({ state: 'cancelled' });
    const [listed] = (await look('jobs?queue=mail')).jobs;
    expect(listed!.finishedAt).toBe(finishedAt);

    const seen = { [id]: finishedAt };
    for (let windows = 1; windows <= 2; windows++)
      expect(await act('retry', { ids: [id], seen })).toMatchObject({ done: [id], refused: [] });
  });

  it('does not overwrite what another window has stored', async () => {
    const { id } = await queues().enqueue('mail', { to: 'a' }, { delayMs: 1e7 });
    const seen = (await look(`job?id=${id}`)).job.payload.digest;
    expect(await act('change', { id, ...to('b'), seen })).toMatchObject({ status: 200 });
    expect(await act('change', { id, ...to('c'), seen })).toMatchObject({
      ...refused('JOB_HELD'),
      message: expect.stringContaining('payload was changed meanwhile'),
    });
    expect(await queues().find(id)).toMatchObject({ payload: { to: 'b' } });
  });

  it('of two windows that save at once, the second one is too late', async () => {
    const { id } = await queues().enqueue('mail', { to: 'a' }, { delayMs: 1e7 });
    const seen = (await look(`job?id=${id}`)).job.payload.digest;
    const both = async (name: string, bodies: [object, object]) =>
      (await Promise.all(bodies.map((body) => act(name, body)))).map(({ status }) => status).sort(); // prettier-ignore
    expect(await both('change', [{ id, ...to('b'), seen }, { id, ...to('c'), seen }])).toEqual([200, 409]); // prettier-ignore
    expect(['b', 'c']).toContain(((await queues().find(id))!.payload as { to: string }).to);
    const limit = (most: number, seen: string) => ({ name: 'mail', change: { fleetConcurrency: most }, seen }); // prettier-ignore
    expect(await both('set-limit', [limit(1, ''), limit(2, '')])).toEqual([200, 409]);
    const [set] = (await look('limits')).limits;
    expect(set).toMatchObject({ name: 'mail' });
    expect((await look('queue?queue=mail')).limit.digest).toBe(set!.digest);
    const keep = { name: 'mail', perKey: false, seen: set!.digest };
    expect(await both('set-limit', [limit(3, set!.digest), limit(4, set!.digest)])).toEqual([200, 409]); // prettier-ignore
    expect(await act('reset-limit', keep)).toMatchObject(refused('TRANSACTION_CONFLICT'));
  });

  /** What two processes do while another one holds what they wait for. */
  async function behind<Done>(
    held: string,
    id: string,
    waiting: number,
    work: () => Promise<Done>,
    meanwhile = async () => {},
  ) {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('begin');
    await client.query(held, [id]);
    const done = work();
    await eventually(async () => {
      const [row] = await database.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(row!.waiting).toBe(waiting);
    });
    await meanwhile();
    await client.query('commit');
    await client.end();
    return done;
  }

  it('nor are two at once that two processes take', async () => {
    const { id } = await queues().enqueue('mail', { to: 'a' }, { delayMs: 1e7 });
    const seen = (await look(`job?id=${id}`)).job.payload.digest;
    const other = await aDashboard(database);
    try {
      const save = (at: TestDashboard, name: string) =>
        at.post('/queues/api/change', { id, ...to(name), seen });
      const both = () => Promise.all([save(dashboard, 'b'), save(other, 'c')]);
      const held = 'select from simple_queue.job where id = $1 for update';
      const saves = await behind(held, id, 2, both);
      expect(saves.map(({ status }) => status).sort()).toEqual([200, 409]);
    } finally {
      await other.close();
    }
  });

  it('nor what another process runs again at the same time', async () => {
    const { id } = await queues().enqueue('mail', 1, { delayMs: 1e7 });
    await queues().cancel({ id });
    const { finishedAt } = (await look(`job?id=${id}`)).job;
    const admin = dashboard.app.get(QueueAdmin);
    const held = `select pg_advisory_xact_lock(hashtextextended('simple_queue.seen:' || $1::text, 0))`;
    const retry = () => act('retry', { ids: [id], seen: { [id]: finishedAt } });
    const done = await behind(held, id, 1, retry, async () => {
      await admin.retry(id);
      await queues().cancel({ id });
    });
    expect(done).toMatchObject({ done: [], refused: [{ id }] });
  });

  it('does not act on a schedule that has become another one, or was paused', async () => {
    const schedules = dashboard.app.get(QueueSchedules);
    const name = 'nightly';
    await schedules.put(name, { cron: '0 2 * * *', target: 'reports' });
    const { digest: seen } = (await look('schedules')).schedules[0]!;
    expect((await look(`schedule?name=${name}`)).schedule.digest).toBe(seen);
    expect(await act('run-schedule', { name, seen })).toMatchObject({ status: 200 });
    expect(await act('run-schedule', { name, seen })).toMatchObject({ status: 200 });
    expect(await act('pause-schedule', { name, seen })).toMatchObject({ status: 200 });
    const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z' };
    for (const late of ['pause-schedule', 'resume-schedule', 'run-schedule'])
      expect(await act(late, { name, seen })).toMatchObject(refused('TRANSACTION_CONFLICT'));
    expect(await act('backfill-schedule', { name, ...span, seen })).toMatchObject(refused('TRANSACTION_CONFLICT')); // prettier-ignore
    expect(await act('resume-schedule', { name })).toMatchObject({ status: 200 });
    for (const other of [
      { cron: '0 3 * * *' },
      { payload: { to: 'all' } },
      { job: { priority: 9 } },
    ]) {
      await schedules.put(name, { cron: '0 2 * * *', target: 'reports', ...other });
      expect(await act('run-schedule', { name, seen })).toMatchObject(
        refused('TRANSACTION_CONFLICT'),
      );
    }
  });

  it('does not let a group go on behind another job', async () => {
    const ordered = { group: 'g', ordered: true } as const;
    const { id } = await queues().enqueue('halt', 1, ordered);
    const rows = new Rows(database);
    await database.query('delete from simple_queue.ready where id = $1', [id]);
    await rows.claim([{ id, epoch: 0 }], await rows.lease());
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 864e5, onDeadJob: 'block' } as const; // prettier-ignore
    const { settlements } = dashboard.app.get(Storage, { strict: false });
    await settlements.bury('w', [{ id, epoch: 0, verdict }]);

    const group = { queue: 'halt', group: 'g' };
    const other = '00000000-0000-4000-8000-000000000001';
    expect(await act('release', { ...group, seen: other })).toMatchObject(refused('JOB_HELD'));
    expect(await dashboard.app.get(QueueAdmin).blockedGroups('halt')).toHaveLength(1);
    expect(await act('release', { ...group, seen: id })).toMatchObject({ released: id });
  });

  it('does not retry a workflow that has been retried', async () => {
    const workflows = dashboard.app.get(QueueWorkflows);
    const { id } = await workflows.start(workflow('order').step('pay', 'mail', {}));
    await workflows.cancel(id);
    expect(await act('retry-workflow', { id, seen: 1 })).toMatchObject({ attempt: 2 });
    await workflows.cancel(id);
    expect(await act('retry-workflow', { id, seen: 1 })).toMatchObject(refused('WORKFLOW_ENDED'));
    expect(await workflows.find(id)).toMatchObject({ attempt: 2, state: 'cancelled' });
    expect(await act('cancel-workflow', { id })).toMatchObject({ cancelled: false });
  });
});
