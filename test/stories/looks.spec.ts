import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { constant } from '../../lib/job/backoff.js';
import { JobResult } from '../../lib/job/job-result.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { Rows } from '../support/rows.js';
import { aStory, untilJobIs } from '../support/story.js';

const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });

class NoSuchUser extends Error {
  override name = 'NoSuchUser';
}

describe('looks', () => {
  const story = aStory();
  const url = () => ({ env: { DATABASE_URL: story.database.url } });

  it('groups what failed by the fault, and redrives and purges one group', async () => {
    let isFixed = false;
    const mail = (job: { payload: { user: number } }) => {
      if (job.payload.user > 100) throw new TypeError('cannot read user');
      if (!isFixed) throw new NoSuchUser(`no user ${job.payload.user}`);
    };
    const application = await story.start({
      providers: [
        aHandler('mail', mail, { maxAttempts: 1 }),
        aHandler('slow', () => JobResult.retryIn('1 h')),
      ],
    });
    const { queues } = application;
    const admin = adminOf(application);
    const known = await queues.enqueueMany('mail', [1, 2, 3].map((user) => ({ payload: { user } }))); // prettier-ignore
    const odd = await queues.enqueue('mail', { user: 101 });
    const later = await queues.enqueue('slow', {});
    for (const { id } of [...known, odd]) await untilJobIs('failed', application, id);
    await untilJobIs('scheduled', application, later.id);

    const groups = await admin.errors();
    expect(groups).toMatchObject([
      { failing: 1, deadLetters: { jobs: 0 }, example: { id: later.id, queue: 'slow' } },
      ...[expect.anything(), expect.anything()],
    ]);
    const group = groups.find(({ example }) => example.error.name === 'NoSuchUser')!;
    expect(group).toMatchObject({ deadLetters: { jobs: 3, atLeast: false }, failing: 0 });
    expect(group.firstAt!.getTime()).toBeLessThanOrEqual(group.lastAt!.getTime());
    expect(await admin.errors({ queue: 'slow' })).toHaveLength(1);
    expect(await admin.errors({ since: new Date(Date.now() + 60_000), queue: 'mail' })).toEqual([]);
    await expect(admin.errors({ queue: 'mial' })).rejects.toMatchObject({ code: 'QUEUE_UNKNOWN' });

    const { jobs } = await admin.jobs({ errorKey: group.key });
    expect(jobs.map(({ id }) => id).toSorted()).toEqual(known.map(({ id }) => id).toSorted());
    const one = ['redrive', '--search', `error-key:${group.key}`, '--limit', '1', '--json'];
    expect((await cli(one, url())).json).toMatchObject({ dryRun: true, revived: 1 });
    isFixed = true;
    expect(await admin.redrive({ errorKey: group.key }, { limit: 2 })).toMatchObject({
      revived: 2,
    });
    expect(await admin.purge({ errorKey: group.key })).toEqual({ purged: 1, left: 0 });
    expect((await admin.errors()).map(({ example }) => example.id)).toEqual([later.id, odd.id]);
  });

  it('sees what fails and is ready again, since its queue is paused or its workers are slow', async () => {
    const fails = () => {
      throw new NoSuchUser('no user');
    };
    const application = await story.start({
      providers: [aHandler('flaky', fails, { backoff: constant({ delayMs: 3_600_000 }) })],
    });
    const admin = adminOf(application);
    await application.queues.enqueueMany('flaky', Array.from({ length: 30 }, () => ({ payload: 1 }))); // prettier-ignore
    const failing = async (state: string) =>
      expect(await admin.errors({ queue: 'flaky' })).toMatchObject([
        { failing: 30, example: { queue: 'flaky', state: state } },
      ]);
    await eventually(() => failing('scheduled'));
    await admin.pause('flaky');
    for (const table of ['job', 'scheduled'])
      await story.database.query(
        `update simple_queue.${table} set run_at = now() where lane = any($1)`,
        [await application.storage.lanes.numbersOf({ queue: 'flaky' })],
      );
    await eventually(async () => expect((await admin.stats('flaky')).ready.jobs).toBe(30));
    await application.queues.enqueueMany('flaky', Array.from({ length: 2_000 }, () => ({ payload: 1 }))); // prettier-ignore
    await failing('ready');
    const all = (await admin.errors()).filter(({ example }) => example.queue === 'flaky');
    expect(all).toMatchObject([{ failing: 30 }]);
    await admin.resume('flaky');
    await story.clear();
  });

  it('finds jobs by what they are, where they ran, and what is in them', async () => {
    const gate = aGate();
    const application = await story.start({
      providers: [
        aHandler('orders', (job: { payload: { id: number } }) => ({ total: job.payload.id * 10 })), // prettier-ignore
        aHandler('held', () => gate.passed),
      ],
    });
    const { queues } = application;
    const admin = adminOf(application);
    const orders = await queues.enqueueMany('orders', [
      { payload: { id: 1, note: 'ann' } },
      { payload: { id: 2, note: '\ud83d\ude00', big: [1, { deep: '9007199254740993' }] } },
      { payload: { id: 11 }, workflowId: 'w', group: 'g' },
      { payload: null },
    ]);
    for (const { id } of orders.slice(0, 3)) await untilJobIs('succeeded', application, id);
    // What other programs store may hold what jsonb does not.
    await story.database.query(
      `update simple_queue.archive set payload = replace(payload::text, '"note"', '"odd":"\\u0000 \\ud83d","note"')::json where id = $1`,
      [orders[1]!.id],
    );
    const held = await queues.enqueue('held', {});
    await untilJobIs('running', application, held.id);

    const found = async (text: string) => {
      const { jobs } = await admin.jobs(admin.search(text));
      return jobs.map(({ id }) => orders.findIndex((each) => each.id === id)).toSorted();
    };
    expect(await found('queue:orders payload.id:2')).toEqual([1]);
    expect(await found('queue:orders payload.id:>1 output.total:<=100')).toEqual([1]);
    expect(await found('queue:orders payload.big.1.deep:9007199254740993')).toEqual([1]);
    expect(await found('queue:orders payload.note:ann since:1h')).toEqual([0]);
    expect(await found('queue:orders workflow:w')).toEqual([2]);
    expect(await found('queue:orders group:g')).toEqual([2]);
    expect(await found(orders[0]!.id)).toEqual([0]);
    expect(await found('queue:orders attempt:>5')).toEqual([]);
    const { name } = application.worker['worker']!;
    expect(await found(`queue:orders worker:${name} state:succeeded`)).toEqual([0, 1, 2]);
    expect(await admin.jobs({ worker: name, state: 'running' })).toMatchObject({ jobs: [{ id: held.id }] }); // prettier-ignore
    expect(await admin.jobs({ worker: 'other:1', state: 'running' })).toMatchObject({ jobs: [] });
    gate.open();
    await untilJobIs('succeeded', application, held.id);

    const words = ['jobs', 'queue:orders', 'payload.note:ann', '--json'];
    expect((await cli(words, url())).json).toMatchObject({ jobs: [{ id: orders[0]!.id }] });
    expect((await cli(['jobs', 'quue:orders'], url())).err).toContain('did you mean "queue"?');
  });

  it('ends a look that finds nothing, says how far it came, and goes on', async () => {
    const application = await story.start({ options: { worker: false } });
    await application.queues.enqueue('many', {});
    const [lane] = await application.storage.lanes.numbersOf({ queue: 'many' });
    await story.database.query(
      `insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 0, 'succeeded', $1, 0, 1, 0, 0, now(), now(), now(), now() + interval '3 days'
       from generate_series(1, 120000) n`,
      [lane],
    );
    const { jobs, looked, next } = await adminOf(application).jobs({ queue: 'many', state: 'cancelled' }); // prettier-ignore
    expect([jobs, looked, typeof next]).toEqual([[], 100_000, 'string']);
    const first = await cli(['jobs', 'queue:many', 'state:cancelled'], url());
    expect(first.out).toBe('None so far.\n');
    const after = /It looked at 100,000 jobs: repeat it with --after (\S+),/.exec(first.err)![1]!;
    const rest = await cli(['jobs', 'queue:many', 'state:cancelled', '--after', after], url());
    expect([rest.out, rest.err]).toEqual(['No jobs.\n', '']);
  });

  it('shows each ready job once, page by page, where there are more kinds than can be merged', async () => {
    const application = await story.start({ options: { worker: false } });
    const rows = new Rows(story.database);
    const made = [
      ...(await rows.jobs(7, { queue: 'kinds' })),
      ...(await rows.jobs(7, { queue: 'kinds', name: 'other' })),
      ...(await rows.jobs(3, { queue: 'kinds', state: 'suspect' })),
    ].map(({ id }) => id);
    await rows.lanes((await rows.lane('kinds')).queueId, 1, 1_000);
    const admin = adminOf(application);
    const pages = async (filter: object): Promise<string[]> => {
      const ids: string[] = [];
      for (let after: string | undefined, goesOn = true; goesOn;) {
        const page = await admin.jobs(filter, { limit: 4, ...(after && { after }) });
        ids.push(...page.jobs.map(({ id }) => id));
        after = page.next;
        goesOn = after !== undefined;
      }
      return ids.filter((id) => made.includes(id)).sort();
    };
    expect(await pages({ state: 'ready' })).toEqual(made.toSorted());
    expect(await pages({ queue: 'kinds', state: 'ready' })).toEqual(made.toSorted());
    expect(await pages({ name: 'other' })).toEqual(made.slice(7, 14).sort());
    const { next } = await admin.jobs({ queue: 'kinds' }, { limit: 1 });
    await expect(admin.jobs({ state: 'blocked' }, { after: next! })).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
  });

  it('shows queues page by page, and everything by place at once', async () => {
    const application = await story.start({ options: { worker: false } });
    await story.database.query(
      `insert into simple_queue.queue (name) select 'tenant-' || lpad(n::text, 4, '0') from generate_series(1, 1200) n`,
    );
    const admin = adminOf(application);
    const names: string[] = [];
    for (
      let after: string | undefined, page: unknown[] | undefined;
      page?.length !== 0;
      after = names.at(-1)
    ) {
      const found = await admin.queues({ limit: 500, ...(after ? { after } : {}) });
      names.push(...found.map(({ queue }) => queue));
      page = found;
    }
    expect(names).toHaveLength(new Set(names).size);
    expect(names.filter((name) => name.startsWith('tenant-'))).toHaveLength(1_200);
    expect(await admin.queues()).toHaveLength(1_000);
    const { json } = await cli(['queues', '--limit', '2', '--after', 'tenant-0007', '--json'], url()); // prettier-ignore
    expect(json).toMatchObject({ queues: [{ queue: 'tenant-0008' }, {}], next: 'tenant-0009' });
    await admin.pause('tenant-0001');
    expect(await admin.totals()).toMatchObject({
      queues: { jobs: names.length },
      paused: ['tenant-0001'],
      ready: { atLeast: false },
      scheduled: { atLeast: false },
      oldestReadyMs: expect.any(Number),
      oldestQueue: expect.any(String),
    });
    await expect(admin.queues({ limit: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await eventually(async () => expect((await cli(['status', '--json'], url())).json).toMatchObject({ queues: names.length })); // prettier-ignore
  });
});
