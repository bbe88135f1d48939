import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger, UnauthorizedException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { QueueService } from 'nestjs-simple-queue';
import { ACTIONS } from '../../lib/dashboard/actions.js';
import { LOOKS } from '../../lib/dashboard/looks.js';
import type { DashboardAccess, RedactableJob } from 'nestjs-simple-queue/dashboard';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

interface Native {
  headers: Record<string, string>;
}

/** A workflow that goes on, and one that does not. */
const flow = { live: '', cancelled: '' };

const AN_HOUR = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00Z' };

/** A right call of each action. */
const CALLS: Record<string, (id: string) => Record<string, unknown>> = {
  retry: (id) => ({ ids: [id] }),
  redrive: () => ({ filter: { queue: 'mail' }, dryRun: false }),
  cancel: (id) => ({ ids: [id] }),
  'cancel-many': () => ({ filter: { queue: 'mail' }, dryRun: false }),
  purge: () => ({ filter: { queue: 'mail' }, dryRun: false }),
  pause: () => ({ queue: 'mail' }),
  resume: () => ({ queue: 'mail' }),
  'set-limit': () => ({ name: 'mail', change: { fleetConcurrency: 3 } }),
  'reset-limit': () => ({ name: 'mail' }),
  'remove-limit': () => ({ name: 'mail' }),
  change: (id) => ({ id, payloadText: '{"to":"bob"}' }),
  release: () => ({ queue: 'mail', group: 'a' }),
  'run-schedule': () => ({ name: 'nightly' }),
  'backfill-schedule': () => ({ name: 'nightly', ...AN_HOUR, dryRun: false }),
  'pause-schedule': () => ({ name: 'nightly' }),
  'resume-schedule': () => ({ name: 'nightly' }),
  'retry-workflow': () => ({ id: flow.cancelled }),
  'cancel-workflow': () => ({ id: flow.live }),
};

/** All that any look reads of its address. */
const QUERY = 'queue id name after hours state q actor action uniqueKey createdAfter in'.split(' ');
const HOSTILE_TEXTS = ['', '-1', '1e999', 'x'.repeat(8_000), 'no\u0000thing', '😀%2f..'];

/** What no action may take in any of its fields, nor as its body. */
const HOSTILE: unknown[] = [
  null,
  [],
  'text',
  7,
  {},
  { nonsense: 1 },
  JSON.parse('{"__proto__": {"queue": "mail"}}'),
];
const HOSTILE_VALUES: unknown[] = [
  null,
  7,
  [],
  {},
  [null],
  'no\u0000thing',
  '</script><script>alert(1)</script>',
  '\u202egnp.exe',
  '😀%2f..',
  'x'.repeat(50_000),
  { $ne: 1 },
];

describe('who may do what', () => {
  let database: TestDatabase;
  let it_: TestDashboard;
  let id: string;

  beforeAll(async () => {
    database = await aDatabase();
    it_ = await aDashboard(database, {
      dashboard: {
        actor: ({ headers }: Native) => headers['x-actor'],
        access: ({ headers }: Native) => {
          if (headers['x-access'] === 'nobody') throw new UnauthorizedException();
          return JSON.parse(headers['x-access'] ?? '"all"') as DashboardAccess;
        },
      },
    });
    const flows = it_.app.get(QueueWorkflows);
    const one = workflow('order').step('wait', 'mail', { to: 'ada' }, { delayMs: '1 d' });
    flow.live = (await flows.start(one)).id;
    flow.cancelled = (await flows.start(one)).id;
    await flows.cancel(flow.cancelled);
    await it_.app.get(QueueSchedules).put('nightly', { target: 'mail', everyMs: '1d' });
  });
  afterAll(async () => {
    await it_.close();
    await database.drop();
  });

  const act = (action: string, body: unknown, headers?: Record<string, string>) =>
    it_.post(`/queues/api/${action}`, body, headers);

  async function aJob(): Promise<string> {
    return (id = (
      await it_.app
        .get(QueueService)
        .enqueue('mail', { to: 'ada' }, { runAt: new Date(Date.now() + 3_600_000) })
    ).id);
  }

  /** Everything that an action could change. */
  const state = async () =>
    JSON.stringify([
      await database.query('select * from simple_queue.jobs order by id'),
      await database.query('select * from simple_queue.queue order by name'),
      await database.query('select * from simple_queue.schedule order by name'),
      await database.query(`select * from simple_queue.fleet_limit order by name`),
    ]);

  it('knows a call of each action', () => {
    expect(Object.keys(CALLS).sort()).toEqual(Object.keys(ACTIONS).sort());
  });

  it.each(Object.keys(CALLS))(
    '%s: those with the permission do it, others change nothing',
    async (name) => {
      const body = CALLS[name]!(await aJob());
      const others = Object.fromEntries(
        Object.values(ACTIONS)
          .map(({ permission }) => permission)
          .filter((permission) => permission !== ACTIONS[name]!.permission)
          .map((permission) => [permission, true]),
      );
      const before = await state();
      for (const access of ['"read"', 'false', '{}', JSON.stringify(others)])
        expect((await act(name, body, { 'x-access': access })).status).toBe(403);
      expect((await act(name, body, { 'x-access': 'nobody' })).status).toBe(401);
      expect((await act(name, body, { 'x-access': '{"retyr":true}' })).status).toBe(500);
      expect(await state()).toBe(before);
      const own = JSON.stringify({ [ACTIONS[name]!.permission]: true });
      expect((await act(name, body, { 'x-access': own })).status).toBe(200);
    },
  );

  it.each(Object.keys(CALLS))('%s: takes from nobody but the page itself', async (name) => {
    const body = CALLS[name]!(await aJob());
    const before = await state();
    const refused: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'x-simple-queue': '' },
      { 'content-type': 'text/plain' },
    ];
    for (const headers of refused) expect((await act(name, body, headers)).status).toBe(403);
    expect(await state()).toBe(before);
  });

  it.each(Object.keys(CALLS))('%s: says what is wrong with what it is given', async (name) => {
    const body = CALLS[name]!(await aJob());
    const before = await state();
    for (const wrong of HOSTILE) {
      const answer = await act(name, wrong === null ? 'null' : JSON.stringify(wrong));
      expect([wrong, answer.status]).toEqual([wrong, 400]);
    }
    for (const field of Object.keys(body).filter((each) => each !== 'dryRun' && each !== 'payload'))
      for (const wrong of HOSTILE_VALUES) {
        // A group may have any name, and all dead letters may be meant.
        if (field === 'group' && typeof wrong === 'string') continue;
        if (name === 'redrive' && JSON.stringify(wrong) === '{}') continue;
        const answer = await act(name, { ...body, [field]: wrong });
        const { code, message } = (await answer.json()) as { code: string; message: string };
        expect([field, wrong, answer.status]).toEqual([
          field,
          wrong,
          answer.status === 404 ? 404 : 400,
        ]);
        expect(code).toMatch(/^[A-Z_]+$/);
        expect(message.length).toBeLessThan(1_000);
      }
    expect(await state()).toBe(before);
  });

  it('leaves a line in the log for each act: who did what to which job, and no payload', async () => {
    const lines: unknown[] = [];
    Logger.overrideLogger({ log: (line) => lines.push(line), error: () => 0, warn: () => 0 });
    const one = await aJob();
    await act(
      'change',
      { id: one, payloadText: '{"to":"secret"}' },
      { 'x-actor': 'ada@example.com' },
    );
    await act('cancel', { ids: [one] });
    await act('purge', { filter: { queue: 'mail', uniqueKey: 'secret' }, dryRun: true });
    await act('purge', { filter: { queue: 'mail' } });
    await act('pause', { queue: 'mail' }, { 'x-access': '"read"' });
    Logger.overrideLogger(false);
    expect(lines).toEqual([
      `ada@example.com: change ${one}`,
      `somebody: cancel 1 jobs: ${one}`,
      'somebody: purge by a filter (dry run)',
      'somebody: purge by a filter (dry run)',
    ]);
    const acts = await it_.app.get(QueueAdmin).audit({}, { limit: 2 });
    expect(acts).toMatchObject([
      { actor: 'somebody', action: 'cancel', selector: { ids: [one] }, counts: { done: 1 } },
      { actor: 'ada@example.com', action: 'change', selector: { id: one, payloadText: '...' } },
    ]);
    expect(JSON.stringify(acts)).not.toContain('secret');
  });

  it('only counts, unless it is told not to', async () => {
    await aJob();
    const counted = await (await act('purge', { filter: { queue: 'mail' } })).json();
    expect(counted).toMatchObject({ dryRun: true, more: false, counts: { left: 0 } });
    expect(await it_.app.get(QueueService).find(id)).toBeDefined();
    expect((await act('purge', { filter: {} })).status).toBe(400);
  });

  it('says of each of several jobs what became of it', async () => {
    const [known, unknown] = [await aJob(), randomUUID()];
    const answer = await (await act('cancel', { ids: [known, unknown] })).json();
    expect(answer).toMatchObject({
      done: [known],
      refused: [{ id: unknown, code: 'JOB_UNKNOWN' }],
    });
  });

  it.each([
    ['a queue', 'queue?queue=nosuch', 404],
    ['a queue of another kind', `queue?queue=${encodeURIComponent('a/b.c:d')}`, 404],
    ['a name that is none', `queue?queue=${encodeURIComponent('100 % 😀')}`, 400],
    ['no name', 'queue', 400],
    ['a job', `job?id=${randomUUID()}`, 404],
    ['an id that is none', 'job?id=1', 400],
    ['a filter that is none', 'jobs?state=alive', 400],
    ['a time that is none', 'jobs?createdAfter=yesterday', 400],
    ['a time of any year', 'jobs?createdAfter=0', 400],
    ['a day that is none', 'jobs?createdBefore=2026-02-31', 400],
    ['a cursor that is none', 'jobs?after=x', 400],
    ['an instance', 'overview?in=nosuch', 400],
    ['a schedule', 'schedule?name=nosuch', 404],
    ['an address that is none', 'queue?queue=%E0%A4%A', 400],
  ])('a look for %s that is not there is a clear answer', async (_, path, status) => {
    const answer = await it_.get(`/queues/api/${path}`);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({
      code: expect.any(String),
      message: expect.any(String),
    });
  });

  it('shows which past times have no job before it makes up for them', async () => {
    const name = 'hourly';
    await it_.app.get(QueueSchedules).put(name, { target: 'hours', everyMs: '1h' });
    const span = { name, from: '2026-01-01T00:00:00Z', to: '2026-01-01T03:00:00Z' };
    const backfill = async (more: object = {}) => (await act('backfill-schedule', { ...span, ...more })).json(); // prettier-ignore
    const { times } = (await backfill()) as { times: string[] };
    expect(times).toHaveLength(3);
    expect((await it_.get('/queues/api/queue?queue=hours')).status).toBe(404);
    expect(await backfill({ dryRun: false })).toEqual({ times });
    expect((await it_.app.get(QueueAdmin).stats('hours')).ready.jobs).toBe(3);
    expect(await backfill()).toEqual({ times: [] });
    expect(await it_.app.get(QueueAdmin).audit({}, { limit: 1 })).toMatchObject([
      { action: 'backfill-schedule', selector: span },
    ]);
    for (const wrong of [{ to: span.from }, { to: '2099-01-01T00:00:00Z' }, { from: 'yesterday' }])
      expect(await backfill(wrong)).toMatchObject({ code: 'INVALID_OPTION' });
    expect(await backfill({ from: '2020-01-01T00:00:00Z' })).toMatchObject({ code: 'SCHEDULE_TOO_LARGE' }); // prettier-ignore
  });

  it.each(Object.keys(LOOKS))('%s: a look with hostile values is a clear answer', async (look) => {
    const before = await state();
    for (const value of HOSTILE_TEXTS)
      await Promise.all(
        QUERY.map(async (name) => {
          const asked = new URLSearchParams({ [name]: value }).toString();
          const answer = await it_.get(`/queues/api/${look}?${asked}`);
          const told = (await answer.json()) as { message?: string };
          expect([asked, [200, 400, 404].includes(answer.status)]).toEqual([asked, true]);
          if (answer.status !== 200) expect(told.message!.length).toBeLessThan(1_000);
        }),
      );
    expect(await state()).toBe(before);
  });

  it('refuses what is too large or too deep, and goes on', async () => {
    const large = await act('change', { id, payloadText: `"${'x'.repeat(3_000_000)}"` });
    expect(large.status).toBe(413);
    const deep = `{"id":"${await aJob()}","payloadText":"${'['.repeat(10_000)}${']'.repeat(10_000)}"}`;
    expect([200, 400]).toContain((await act('change', deep)).status);
    expect((await act('pause', '{"queue":')).status).toBe(400);
    expect((await it_.get('/queues/api/overview')).status).toBe(200);
  });

  it('shows a queue with signs that mean something in addresses', async () => {
    await it_.app.get(QueueService).enqueue('eu/mail.v2:x', { n: 1 });
    const answer = await it_.get(`/queues/api/queue?queue=${encodeURIComponent('eu/mail.v2:x')}`);
    expect(await answer.json()).toMatchObject({ stats: { queue: 'eu/mail.v2:x' } });
  });

  it('shows nothing to pages of others', async () => {
    const foreign = { 'sec-fetch-site': 'cross-site' };
    expect((await it_.get('/queues/api/overview', foreign)).status).toBe(403);
  });
});

describe('without an access function', () => {
  const { NODE_ENV } = process.env;
  let database: TestDatabase;
  let it_: TestDashboard;
  beforeAll(async () => {
    database = await aDatabase();
    it_ = await aDashboard(database, { dashboard: { access: undefined } });
  });
  afterEach(() => void (process.env.NODE_ENV = NODE_ENV));
  afterAll(async () => {
    await it_.close();
    await database.drop();
  });

  it('lets nobody in, and says why', async () => {
    for (const env of ['production', 'test', '']) {
      process.env.NODE_ENV = env;
      const page = await it_.get('/queues');
      expect(page.status).toBe(403);
      expect(await page.text()).toContain('access');
      expect((await it_.get('/queues/api/overview')).status).toBe(403);
      expect((await it_.post('/queues/api/pause', { queue: 'mail' })).status).toBe(403);
    }
  });

  it('lets a developer in, at the same machine, with no proxy and no foreign name between', async () => {
    process.env.NODE_ENV = 'development';
    expect((await it_.get('/queues')).status).toBe(200);
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])
      expect((await it_.get('/queues', { [name]: '127.0.0.1' })).status).toBe(403);
  });
});

describe('what nobody may see', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await aDatabase();
  });
  afterAll(() => database.drop());

  const redactions: [string, (job: RedactableJob) => RedactableJob][] = [
    [
      'is taken out',
      (job) => ({ id: job.id, queue: job.queue, name: job.name, payload: '[hidden]' }),
    ],
    [
      'is not shown where the function throws',
      () => {
        throw new Error('secret');
      },
    ],
    ['is not shown where it returns nothing', () => undefined as never],
  ];

  it.each(redactions)('%s, in all that shows of a job', async (_, redact) => {
    const it_ = await aDashboard(database, { dashboard: { redact } });
    const options = { headers: { who: 'secret' }, uniqueKey: randomUUID() + 'secret' };
    const { id } = await it_.app.get(QueueService).enqueue('mail', { card: 'secret' }, options);
    for (const path of [
      `job?id=${id}`,
      'jobs?queue=mail',
      'overview',
      'queue?queue=mail',
      'errors',
    ]) {
      const text = await (await it_.get(`/queues/api/${path}`)).text();
      expect(text).not.toContain('secret');
    }
    // Nor by guessing.
    const q = 'payload.card:secret';
    expect((await it_.get(`/queues/api/jobs?q=${q}`)).status).toBe(400);
    expect((await it_.post('/queues/api/redrive', { filter: { q } })).status).toBe(400);
    await it_.close();
  });
});
