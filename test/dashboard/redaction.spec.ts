import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueService } from '../../lib/queue.service.js';
import { Storage } from '../../lib/storage/storage.js';
import type { TestDatabase } from '../support/database.js';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { Rows } from '../support/rows.js';
import { aDatabase } from '../support/template.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

interface Answer {
  jobs: unknown[];
  next: string;
  reasons: { text: string }[];
  blockedGroups: unknown[];
  acts: unknown[];
}

const SECRET = 'ann@example.com';

describe('what redact hides is in nothing that leaves', () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;

  beforeAll(async () => {
    database = await aDatabase();
    dashboard = await aDashboard(database, {
      dashboard: { redact: ({ id, queue, name }) => ({ id, queue, name }) },
      options: { queues: { key: { perKey: { by: 'to', concurrency: 1 } } } },
    });
  });
  afterAll(async () => {
    await dashboard.close();
    await database.drop();
  });

  const queues = () => dashboard.app.get(QueueService);
  const get = async (path: string) => {
    const text = await (await dashboard.get(`/queues/api/${path}`)).text();
    expect(text).not.toContain(SECRET);
    return JSON.parse(text) as Answer;
  };

  const whyOf = async (id: string) =>
    (await get(`job?id=${id}`)).reasons.map(({ text }) => text).join(' ');

  it('neither the key in a reason, nor the group', async () => {
    const { id: before } = await queues().enqueue('key', { to: SECRET });
    const { id } = await queues().enqueue('key', { to: SECRET });
    await database.query(
      `insert into simple_queue.permit (id, shard, limit_key, queue, slot)
       select id, 0, limit_key, queue, 1 from simple_queue.job where id = $1`,
      [before],
    );
    await database.query(`insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'key/*', true, 1, '{}')`); // prettier-ignore
    expect(await whyOf(id)).toContain('Its key of queue "key" may run 1 job at once');
    await queues().enqueue('ord', 1, { group: SECRET, ordered: true });
    const { id: blocked } = await queues().enqueue('ord', 1, { group: SECRET, ordered: true });
    expect(await whyOf(blocked)).toContain('Group "[hidden]" of queue "ord"');
  });

  it('nor the cursor of a list, which goes on all the same', async () => {
    const items = Array.from({ length: 80 }, () => ({ payload: 1, group: SECRET, ordered: true }));
    await queues().enqueueMany('long', items);
    const path = 'jobs?state=blocked&queue=long';
    const first = await get(path);
    expect(first.jobs.length).toBe(50);
    const told = Buffer.from(first.next, 'base64url').toString('latin1');
    expect(told).not.toContain(SECRET);
    const rest = await get(`${path}&after=${first.next}`);
    expect(rest.jobs.length).toBe(29);
    const guess = JSON.stringify(['ann', 1, '1']);
    const made = JSON.stringify(['blocked', crypto.randomUUID(), guess]);
    const forged = Buffer.from(made).toString('base64url');
    for (const after of ['sealed.', 'sealed.AAAA', `${first.next}A`.slice(0, 40), forged])
      expect((await dashboard.get(`/queues/api/${path}&after=${after}`)).status).toBe(400);
  });

  it('nor blocked groups, nor the audit', async () => {
    // A shell takes it only in quotes.
    const group = `it's ${SECRET}`;
    const [head] = await queues().enqueueMany('halt', [
      { payload: 1, group, ordered: true },
      { payload: 1, group, ordered: true },
    ]);
    await database.query('delete from simple_queue.ready where id = $1', [head!.id]);
    const lease = await new Rows(database).lease();
    await new Rows(database).claim([{ id: head!.id, epoch: 0 }], lease);
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 864e5, onDeadJob: 'block' } as const; // prettier-ignore
    const { settlements } = dashboard.app.get(Storage, { strict: false });
    await settlements.bury('w', [{ id: head!.id, epoch: 0, verdict }]);
    expect((await get('queue?queue=halt')).blockedGroups).toMatchObject([{ job: head!.id }]);
    await dashboard.app.get(QueueAdmin).releaseGroup('halt', group);
    const again = await dashboard.post('/queues/api/release', { queue: 'halt', group });
    expect(await again.json()).toEqual({ released: null });
    await dashboard.app.get(QueueAdmin).cancel({ fingerprint: SECRET, queue: 'halt' });
    expect((await get('audit')).acts).not.toEqual([]);
  });

  it.each(['key', 'tag', 'group', 'workflow', 'error'])(
    'nor confirmed by a search for %s',
    async (word) => {
      const q = `queue:mail ${word}:${SECRET}`;
      expect(await get(`jobs?q=${q}`)).toMatchObject({ code: 'INVALID_OPTION' });
      expect((await dashboard.get(`/queues/api/jobs?q=queue:"mail"${word}:x`)).status).toBe(400);
      expect((await dashboard.post('/queues/api/purge', { filter: { q } })).status).toBe(400);
    },
  );

  it.each(['uniqueKey', 'fingerprint'])('nor by a filter with %s', async (part) => {
    expect((await dashboard.get(`/queues/api/jobs?${part}=${SECRET}`)).status).toBe(400);
    const filter = { [part]: SECRET };
    expect((await dashboard.post('/queues/api/purge', { filter })).status).toBe(400);
  });

  it('nor the tag of a workflow, nor the name of an error, alone or in a reason', async () => {
    const workflowId = `order of ${SECRET}`;
    const { id } = await queues().enqueue('named', 1, { workflowId, delayMs: 60_000 });
    const error = JSON.stringify({ name: `Customer ${SECRET}`, message: 'x' });
    await database.query(`update simple_queue.job set last_error = $2::jsonb where id = $1`, [id, error]); // prettier-ignore
    expect(await whyOf(id)).toContain('Its last error: [hidden]: [hidden]');
    expect(await get('jobs?queue=named')).toMatchObject({ jobs: [{ id }] });
  });

  it('nor the unique key of a workflow, alone or in the list', async () => {
    const flow = workflow('signup').step('only', 'nobody', 1);
    const workflows = dashboard.app.get(QueueWorkflows, { strict: false });
    const { id } = await workflows.start(flow, { uniqueKey: SECRET });
    expect(await get(`workflow?id=${id}`)).toMatchObject({ id });
    expect(await get('workflows')).toMatchObject({ workflows: [{ id }] });
  });

  it('and shows nothing where redact fails later, which ends no process', async () => {
    const later = { redact: (() => Promise.reject(new Error(SECRET))) as never };
    const other = await aDashboard(database, { dashboard: later });
    const unheard: unknown[] = [];
    const note = (error: unknown) => void unheard.push(error);
    process.on('unhandledRejection', note);
    const { id } = await queues().enqueue('late', { to: SECRET });
    const text = await (await other.get(`/queues/api/job?id=${id}`)).text();
    await other.close();
    process.removeListener('unhandledRejection', note);
    expect([unheard, text.includes(SECRET)]).toEqual([[], false]);
  });

  it('and sends nothing of a circle, and nothing that is stored beside what redact was shown', async () => {
    const circle: Record<string, unknown> = {};
    circle.own = circle;
    const parts = ['payload', 'output', 'checkpoint', 'headers', 'history', 'lastError', 'progress', 'uniqueKey', 'payloadBytes']; // prettier-ignore
    const redact = <Job extends { queue: string }>(job: Job): Job =>
      job.queue === 'circles'
        ? { ...job, ...Object.fromEntries(parts.map((part) => [part, circle])) }
        : job;
    const open = await aDashboard(database, { dashboard: { redact } });
    const error = { name: 'Error', message: SECRET };
    const { id } = await queues().enqueue('circles', { to: SECRET }, { headers: { to: SECRET }, uniqueKey: SECRET }); // prettier-ignore
    const { id: twice } = await queues().enqueue('twice', 1);
    await database.query(`update simple_queue.job set last_error = $2, history = $3 where id = $1`, [id, error, JSON.stringify([{ attempt: 1, error }])]); // prettier-ignore
    await database.query(`update simple_queue.job set payload = $2 where id = $1`, [twice, `{"to":"${SECRET}","to":null,"n":1.0}`]); // prettier-ignore
    for (const path of [
      `job?id=${id}`,
      'jobs?queue=circles',
      'errors?queue=circles',
      `job?id=${twice}`,
    ]) {
      const answer = await open.get(`/queues/api/${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.text()).not.toContain(SECRET);
    }
    const { job } = (await (await open.get(`/queues/api/job?id=${id}`)).json()) as { job: object };
    expect(job).toMatchObject({ id, redacted: true });
    for (const part of parts) expect(job).not.toHaveProperty(part);
    await open.close();
  });

  it('nor confirmed by a search of all queues where one queue hides it, nor counted', async () => {
    const redact = <Job extends { queue: string; payload?: unknown }>(job: Job): Job =>
      job.queue === 'cards' || job.payload === 'own' ? { ...job, uniqueKey: undefined } : job;
    const open = await aDashboard(database, { dashboard: { redact } });
    await queues().enqueue('cards', 1, { uniqueKey: 'card:4242' });
    const replies: unknown[] = [];
    for (const q of ['key:card:4242', 'key:card:4241', 'name:"" key:card:4242']) {
      const look = await open.get(`/queues/api/jobs?q=${q}`);
      const dry = await open.post('/queues/api/purge', { filter: { q } });
      replies.push(look.status, await look.json(), dry.status, await dry.json());
    }
    const refusal = { code: 'INVALID_OPTION', message: expect.stringContaining('uniqueKey') };
    expect(replies).toEqual(Array.from({ length: 3 }, () => [400, refusal, 400, refusal]).flat());
    const found = await open.get('/queues/api/jobs?q=queue:shown key:k');
    expect([found.status, await found.json()]).toEqual([200, { jobs: [], looked: 0 }]);
    await open.close();
  });

  it('but what it shows is found', async () => {
    const redact = <Job extends object>(job: Job): Job => ({ ...job, payload: undefined });
    const open = await aDashboard(database, { dashboard: { redact } });
    await queues().enqueue('mail', 1, { uniqueKey: 'k' });
    const found = await open.get('/queues/api/jobs?q=key:k');
    expect(await found.json()).toMatchObject({ jobs: [{ uniqueKey: 'k' }] });
    await open.close();
  });
});
