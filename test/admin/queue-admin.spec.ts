import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JobFilter } from '../../lib/admin/job-filter.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { ReasonCode } from '../../lib/admin/reasons.js';
import type { TerminalState } from '../../lib/job/job-state.js';
import { QueueService } from '../../lib/queue.service.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { JobRowOptions } from '../support/rows.js';
import { aStorage, type TestStorage } from '../support/storage.js';
import { checkPlaces } from '../support/check-places.js';

const DAY_MS = 86_400_000;

/** What an operator sees and does, without any worker. */
describe('QueueAdmin', () => {
  let test: TestStorage;
  let admin: QueueAdmin;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.database.query('truncate simple_queue.lane, simple_queue.queue restart identity');
    await test.rows.lane('mail');
  });
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  async function anEnded(state: TerminalState, options: JobRowOptions = {}) {
    const job = await test.rows.job({ state: 'running', ...options });
    const verdict = {
      state,
      spent: 1,
      runMs: 5,
      deadLetterKeepMs: DAY_MS,
      archiveKeepMs: DAY_MS,
    } as const;
    const error = {
      name: 'Error',
      message: 'no such address',
      code: 'E1',
      stack: 'at a',
      causes: [{ name: 'Error', message: 'b' }],
    };
    await test.storage.settlements.bury('host:1', [{ ...job, verdict: { ...verdict, error } }]);
    await test.database.query('delete from simple_queue.claim where id = $1', [job.claim]);
    await test.database.query('delete from simple_queue.lease where id = $1', [job.lease]);
    return job;
  }

  const idsOf = (jobs: { id: string }[]): string[] => jobs.map((job) => job.id);
  const stateOf = async (id: string) => (await admin.job(id))?.state;

  describe('lists jobs', () => {
    /** Everything, page by page. */
    async function all(filter: JobFilter, limit: number): Promise<string[]> {
      const found: string[] = [];
      let after: string | undefined;
      do {
        const page = await admin.jobs(filter, { limit, after });
        expect(page.jobs.length).toBeLessThanOrEqual(limit);
        found.push(...idsOf(page.jobs));
        after = page.next;
      } while (after !== undefined);
      return found;
    }

    it.each([1, 2, 3, 100])(
      'of all states and queues, each once, what is nearest to running first, in pages of %d',
      async (limit) => {
        const scheduled = [
          await test.rows.job({ state: 'scheduled', due: '2 hours' }),
          await test.rows.job({ state: 'scheduled', due: '1 hour', queue: 'pdf' }),
        ];
        const ready = [
          await test.rows.job({ priority: 1, due: '-1 minute' }),
          await test.rows.job({ queue: 'pdf', due: '-2 minutes' }),
          await test.rows.job({ due: '-1 minute' }),
        ];
        const ended = [await anEnded('failed'), await anEnded('cancelled')];
        const [running, suspect] = [
          await test.rows.job({ state: 'running' }),
          await test.rows.job({ state: 'suspect' }),
        ];

        expect(await all({}, limit)).toEqual(
          idsOf([
            running,
            suspect,
            ready[1]!,
            ready[2]!,
            ready[0]!,
            scheduled[1]!,
            scheduled[0]!,
            ...ended,
          ]),
        );
      },
    );

    it('by state, queue, name, times, and several at once', async () => {
      const old = await test.rows.job({ queue: 'pdf', name: 'print' });
      await test.database.query(
        `update simple_queue.job set created_at = now() - interval '1 day'`,
      );
      const plain = await test.rows.job({ queue: 'pdf' });
      const mail = await test.rows.job();
      const failed = await anEnded('failed', { queue: 'pdf' });
      const cancelled = await anEnded('cancelled', { queue: 'pdf' });
      const [anHourAgo, soon] = [
        new Date(Date.now() - 3_600_000),
        new Date(Date.now() + 3_600_000),
      ];

      expect(await all({ state: 'ready', queue: 'pdf' }, 10)).toEqual([old.id, plain.id]);
      expect(await all({ queue: 'mail' }, 10)).toEqual([mail.id]);
      expect(await all({ name: 'print' }, 10)).toEqual([old.id]);
      expect(await all({ queue: 'pdf', name: '', state: 'ready' }, 10)).toEqual([plain.id]);
      expect(await all({ createdBefore: anHourAgo }, 10)).toEqual([old.id]);
      expect(
        (await all({ createdAfter: anHourAgo, state: ['ready', 'failed'] }, 10)).toSorted(),
      ).toEqual(idsOf([plain, mail, failed]).toSorted());
      expect(await all({ finishedAfter: anHourAgo, finishedBefore: soon }, 10)).toEqual([
        failed.id,
        cancelled.id,
      ]);
      expect(await all({ finishedAfter: soon }, 10)).toEqual([]);
      expect(await all({ state: 'cancelled' }, 10)).toEqual([cancelled.id]);
      expect(await all({ queue: 'unknown' }, 10)).toEqual([]);
    });

    it('by fingerprint and unique key wherever they stand, newest id first', async () => {
      const ids = Array.from({ length: 4 }, () => randomUUID()).toSorted();
      await anEnded('failed', { id: ids[1]!, fingerprint: 'tag' });
      await anEnded('cancelled', { id: ids[2]!, fingerprint: 'tag', uniqueKey: 'key' });
      await test.rows.job({ id: ids[0], fingerprint: 'tag', uniqueKey: 'key' });
      await test.rows.job({ id: ids[3], fingerprint: 'tag', state: 'scheduled', queue: 'pdf' });
      await test.rows.job({ fingerprint: 'other' });

      expect(await all({ fingerprint: 'tag' }, 1)).toEqual(ids.toReversed());
      expect(await all({ fingerprint: 'tag' }, 3)).toEqual(ids.toReversed());
      expect(await all({ fingerprint: 'tag', queue: 'pdf' }, 2)).toEqual([ids[3]]);
      expect(await all({ fingerprint: 'tag', state: ['failed', 'ready'] }, 2)).toEqual([
        ids[1],
        ids[0],
      ]);
      expect(await all({ uniqueKey: 'key' }, 2)).toEqual([ids[2], ids[0]]);
      expect(await all({ uniqueKey: 'key', fingerprint: 'other' }, 2)).toEqual([]);
    });

    it('without payloads, stacks and causes; job(id) has all of it', async () => {
      const { id } = await anEnded('failed', { payload: { to: 'me' } });
      const { jobs } = await admin.jobs({ queue: 'mail' });
      expect(jobs).toMatchObject([
        {
          id,
          state: 'failed',
          attempt: 1,
          worker: 'host:1',
          lastError: { message: 'no such address' },
        },
      ]);
      expect(jobs[0]).not.toHaveProperty('payload');
      expect(jobs[0]!.lastError).toEqual({ name: 'Error', message: 'no such address', code: 'E1' });
      expect(await admin.job(id)).toMatchObject({
        payload: { to: 'me' },
        state: 'failed',
        lastError: { stack: 'at a' },
      });
      expect(await admin.job(randomUUID())).toBeUndefined();
    });

    it('and refuses an `after` of another filter', async () => {
      await test.rows.jobs(2, { state: 'scheduled' });
      const { next } = await admin.jobs({ state: 'scheduled' }, { limit: 1 });
      await expect(admin.jobs({ state: 'ready' }, { after: next })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    });
  });

  describe('retries', () => {
    it('an ended job, and tells when another holds its unique key', async () => {
      const { id } = await anEnded('failed', { uniqueKey: 'order 7' });
      const holder = await test.rows.job({ uniqueKey: 'order 7' });
      await expect(admin.retry(id)).rejects.toMatchObject({
        code: 'UNIQUE_KEY_TAKEN',
        message: expect.stringContaining('"order 7"'),
      });
      expect(await stateOf(id)).toBe('failed');

      await test.storage.cancels.byId(test.storage.database.callers.run, [holder.id], {
        '': null,
      });

      expect(await admin.retry(id.toUpperCase())).toEqual({ id, outcome: 'revived' });
      expect(await stateOf(id)).toBe('ready');
    });

    it('a scheduled one now, leaves a ready one, and refuses one that runs or is unknown', async () => {
      const [later, ready] = [await test.rows.job({ state: 'scheduled' }), await test.rows.job()];
      expect(await admin.retry(later.id)).toEqual({ id: later.id, outcome: 'promoted' });
      expect(await admin.retry(ready.id)).toEqual({ id: ready.id, outcome: 'ready' });
      const running = await test.rows.job({ state: 'running' });
      await expect(admin.retry(running.id)).rejects.toMatchObject({ code: 'JOB_RUNNING' });
      await expect(admin.retry(randomUUID())).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
      await expect(admin.retry('7')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    });

    it('none that waits for its turn or its commit, and says so', async () => {
      const held = { group: 'a', ordered: true };
      const queues = new QueueService(test.storage, resolveOptions({}).options, test.events);
      const [, follower] = await queues.enqueueMany('mail', [{ payload: 1, ...held }, { payload: 2, ...held }]); // prettier-ignore
      const staged = await queues.enqueue('mail', 3, { staged: true });
      await expect(admin.retry(follower!.id)).rejects.toMatchObject({
        code: 'JOB_HELD',
        message: expect.stringContaining('turn'),
      });
      await expect(admin.retry(staged.id)).rejects.toMatchObject({
        code: 'JOB_HELD',
        message: expect.stringContaining('commit'),
      });
    });

    it('racing retries: one revives the job, the others find it ready', async () => {
      const { id } = await anEnded('failed', { uniqueKey: 'key' });
      const answers = await Promise.all(Array.from({ length: 8 }, () => admin.retry(id)));
      expect(answers.map((answer) => answer.outcome).toSorted()).toEqual([
        ...Array<string>(7).fill('ready'),
        'revived',
      ]);
    });
  });

  describe('redrives', () => {
    it('the dead letter queue by filter, in batches, and counts', async () => {
      const mail = await Promise.all(Array.from({ length: 5 }, () => anEnded('failed')));
      const pdf = await anEnded('critical', { queue: 'pdf' });
      const cancelled = await anEnded('cancelled');

      expect(await admin.redrive({ queue: 'mail' }, { dryRun: true })).toEqual({
        revived: 5,
        keyTaken: 0,
        gone: 0,
      });
      expect(await admin.redrive({ queue: 'mail' }, { limit: 2 })).toEqual({
        revived: 2,
        keyTaken: 0,
        gone: 0,
      });
      expect(await admin.redrive({ queue: 'mail' })).toEqual({ revived: 3, keyTaken: 0, gone: 0 });

      for (const { id } of mail) expect(await stateOf(id)).toBe('ready');
      expect([await stateOf(pdf.id), await stateOf(cancelled.id)]).toEqual([
        'critical',
        'cancelled',
      ]);
      expect(await admin.redrive({ state: 'cancelled' })).toEqual({
        revived: 1,
        keyTaken: 0,
        gone: 0,
      });
      expect(await admin.redrive({ queue: 'unknown' })).toEqual({
        revived: 0,
        keyTaken: 0,
        gone: 0,
      });
    });

    it('more than a batch', async () => {
      const { id: lane } = await test.rows.lane();
      await test.database.query(
        `insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
         select gen_random_uuid(), 0, 'failed', $1, 0, 1, 0, 0, now(), now(), now(), now() + interval '1 day' from generate_series(1, 450)`,
        [lane],
      );
      expect(await admin.redrive({ state: 'failed' }, { limit: 250 })).toEqual({
        revived: 250,
        keyTaken: 0,
        gone: 0,
      });
      expect(await admin.redrive({ state: 'failed' })).toEqual({
        revived: 200,
        keyTaken: 0,
        gone: 0,
      });
    });

    it('no job whose unique key is live, and says how many; a dry run says the same', async () => {
      for (const uniqueKey of ['a', 'a', 'b', 'c']) await anEnded('failed', { uniqueKey });
      await test.rows.job({ uniqueKey: 'b' });
      await test.rows.job({ uniqueKey: 'c', queue: 'pdf' });
      const counts = { revived: 2, keyTaken: 2, gone: 0 };
      expect(await admin.redrive({}, { dryRun: true })).toEqual(counts);
      expect(await admin.redrive({})).toEqual(counts);
    });

    it('twice at once: each job lives once', async () => {
      for (let n = 0; n < 30; n++) await anEnded('failed', { uniqueKey: `key ${n % 20}` });
      const both = await Promise.all([admin.redrive({}), admin.redrive({})]);
      expect(both[0].revived + both[1].revived).toBe(20);
    });
  });

  it('purges what waits and what has ended, and nothing that runs', async () => {
    const running = await test.rows.job({ state: 'running' });
    const mail = [
      await test.rows.job(),
      await test.rows.job({ state: 'scheduled' }),
      await test.rows.job({ state: 'suspect' }),
      await anEnded('failed'),
      await anEnded('cancelled'),
    ];
    const pdf = await test.rows.job({ queue: 'pdf' });

    expect(await admin.purge({ queue: 'mail' }, { dryRun: true })).toEqual({ purged: 5, left: 0 });
    expect(await admin.purge({ queue: 'mail', state: 'cancelled' })).toEqual({
      purged: 1,
      left: 0,
    });
    expect(await admin.purge({ queue: 'mail' })).toEqual({ purged: 4, left: 0 });

    for (const { id } of mail) expect(await stateOf(id)).toBeUndefined();
    expect([await stateOf(running.id), await stateOf(pdf.id)]).toEqual(['running', 'ready']);
  });

  it('shows queues, one with its dead letters by state, and names the nearest where there is none', async () => {
    await test.rows.jobs(2);
    await anEnded('failed');
    await anEnded('unprocessable');
    await admin.pause('mail');
    const none = { jobs: 0, atLeast: false };
    const mail = {
      queue: 'mail',
      paused: true,
      lanes: [{ name: '', ready: { jobs: 2, atLeast: false }, workers: 0 }],
      ready: { jobs: 2, atLeast: false },
      running: none,
      scheduled: none,
      deadLetters: { jobs: 2, atLeast: false },
    };
    expect(await admin.queues()).toMatchObject([mail]);
    expect(await admin.stats('mail')).toMatchObject({
      ...mail,
      deadLettersByState: { failed: 1, unprocessable: 1 },
    });
    await expect(admin.stats('mial')).rejects.toMatchObject({
      code: 'QUEUE_UNKNOWN',
      message: expect.stringContaining('"mail"'),
    });
    for (const command of ['pause', 'resume'] as const)
      await expect(admin[command]('nobody-knows')).rejects.toMatchObject({ code: 'QUEUE_UNKNOWN' });
    await expect(admin.pause('not a name')).rejects.toMatchObject({ code: 'INVALID_NAME' });
  });

  describe('explains', () => {
    const reasonsOf = async (id: string): Promise<ReasonCode[]> => {
      const { reasons, text } = await admin.explain(id);
      expect(text).toBe(reasons.map((reason) => reason.text).join(' '));
      return reasons.map((reason) => reason.code);
    };
    const aWorker = (lanes: number[]) =>
      test.storage.leases.take(randomUUID(), 'host:2', 60_000, { lanes });

    it('what is unknown, and what has ended: how, when, where, and its error', async () => {
      const id = randomUUID();
      expect(await admin.explain(id)).toMatchObject({ id, reasons: [{ code: 'UNKNOWN' }] });
      const { id: failed } = await anEnded('failed');
      const { text, state } = await admin.explain(failed);
      expect(state).toBe('failed');
      expect(text).toMatch(
        /ended as failed at 20.*T.*Z on worker host:1, after 1 attempt\. Its last error: Error: no such address/,
      );
      await expect(admin.explain('7')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    });

    it('that nobody has its labels, and which these are', async () => {
      const { id: plain, lane } = await test.rows.job();
      await aWorker([lane]);
      const gpu = await test.storage.lanes.of('mail', '', ['gpu']);
      const { id } = await test.rows.job();
      await test.database.query('update simple_queue.job set lane = $2 where id = $1', [
        id,
        gpu.id,
      ]);
      await test.database.query('update simple_queue.ready set lane = $2 where id = $1', [
        id,
        gpu.id,
      ]);
      const { reasons } = await admin.explain(id);
      expect(reasons).toMatchObject([
        { code: 'NO_HANDLER', text: expect.stringContaining('labels of the job: "gpu"') },
      ]);
      expect(await reasonsOf(plain)).not.toContain('NO_HANDLER');
    });

    it('that no worker lives, that none has a handler, that the queue is paused', async () => {
      const { id, lane } = await test.rows.job();
      expect(await reasonsOf(id)).toEqual(['NO_WORKER']);
      await aWorker([lane + 1_000]);
      expect(await reasonsOf(id)).toEqual(['NO_HANDLER']);
      await admin.pause('mail');
      expect(await reasonsOf(id)).toEqual(['QUEUE_PAUSED', 'NO_HANDLER']);
      await aWorker([lane]);
      expect(await reasonsOf(id)).toEqual(['QUEUE_PAUSED']);
      await admin.resume('mail');
      expect(await reasonsOf(id)).toEqual(['FIRST_IN_LINE']);
    });

    it('that it waits for its time, or for the next attempt after which error', async () => {
      const later = await test.rows.job({ state: 'scheduled' });
      await aWorker([later.lane]);
      expect(await reasonsOf(later.id)).toEqual(['NOT_DUE']);
      await test.database.query(
        `update simple_queue.job set attempt = 2, last_error = '{"name": "Error", "message": "smtp"}'`,
      );
      const { text } = await admin.explain(later.id);
      expect(text).toMatch(/runs again at 20.*Z, after 2 attempts\. Its last error: Error: smtp/);
    });

    it('how many stand before it, up to a bound', async () => {
      const { id, lane } = await test.rows.job({ priority: 1 });
      await aWorker([lane]);
      await test.rows.jobs(3);
      await test.rows.job({ priority: 2 });
      expect((await admin.explain(id)).text).toBe('3 jobs are before it.');
      await test.database.query(
        `with j as (insert into simple_queue.job (id, shard, lane, queue, run_at) select gen_random_uuid(), 0, $1, 1, now() from generate_series(1, 1000) returning *)
         insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, shard, priority, run_at, id, epoch from j`,
        [lane],
      );
      expect((await admin.explain(id)).text).toBe('More than 1000 jobs are before it.');
    });

    it('who runs it, that it was asked to stop, that its worker is silent', async () => {
      const job = await test.rows.job({ state: 'running', cancelRequested: true });
      expect(await reasonsOf(job.id)).toEqual(['CANCEL_REQUESTED', 'RUNNING']);
      expect((await admin.explain(job.id)).text).toContain('on worker worker-1');
      await test.database.query(
        `update simple_queue.lease set expires_at = now() - interval '1 second'`,
      );
      expect(await reasonsOf(job.id)).toEqual(['CANCEL_REQUESTED', 'LEASE_LOST', 'NO_WORKER']);
    });

    it('that its place was deleted, however it stood: it does not run, and nobody gives it back', async () => {
      for (const state of ['ready', 'scheduled', 'suspect', 'running'] as const) {
        const job = await test.rows.job({ state, cancelRequested: true });
        await test.database.query(
          state === 'running'
            ? 'update simple_queue.claim set epochs[1] = 7'
            : `delete from simple_queue.${state}`,
        );
        expect(await reasonsOf(job.id)).toEqual(['NO_PLACE']);
        expect((await admin.explain(job.id)).text).toMatch(/no worker runs it, and none will/);
        expect(await admin.retry(job.id)).toEqual({ id: job.id, outcome: 'restored' });
        await test.rows.clear();
      }
    });

    it('that it is suspected of crashing, and waits to run apart or alone', async () => {
      const [once, lone] = [
        await test.rows.job({ state: 'suspect' }),
        await test.rows.job({ state: 'suspect', suspicion: 3, stalls: 1 }),
      ];
      await aWorker([once.lane]);
      expect(await reasonsOf(once.id)).toEqual(['SUSPECT']);
      expect((await admin.explain(once.id)).text).toMatch(
        /died, once in a row, so it waits to run among others/,
      );
      expect((await admin.explain(lone.id)).text).toMatch(
        /three times or more in a row, so it waits to run alone: .* 1 may count/,
      );
    });
  });
});
