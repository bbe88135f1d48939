import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuditFilter, AuditPage } from '../../lib/admin/audit.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { Ago } from '../../lib/runtime/ago.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';

describe('the audit', () => {
  let test: TestStorage;
  let admin: QueueAdmin;
  let ada: QueueAdmin;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
    ada = admin.as('ada@example.com');
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.rows.lane('mail');
  });
  afterAll(() => test.close());

  const simpleQueue = (...argv: string[]) =>
    cli(argv, { env: { DATABASE_URL: test.database.url } });
  /** Without what no test can know. */
  const told = async (filter: AuditFilter = {}, page: AuditPage = {}) =>
    (await admin.audit(filter, page)).map(({ actor, action, selector, counts, failed }) =>
      [actor, action, selector, failed ?? counts],
    ); // prettier-ignore

  describe('of acts on what was seen, one after the other', () => {
    const LOCK = `select pg_advisory_lock(hashtextextended('simple_queue.seen:x', 0))`;
    const acts = () => test.storage.audit;
    const untilOneWaits = (ms: number) =>
      eventually(async () => {
        const waiting = await test.database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'
             and statement_timestamp() - query_start > $1 * interval '1 millisecond'`,
          [ms],
        );
        expect(waiting).toHaveLength(1);
      });

    it('waits for longer than a loop does', async () => {
      const rival = await Rival.connect(test.database);
      await rival.query(LOCK);
      const acting = acts().alone('x', async () => 'done');
      await Promise.race([acting, untilOneWaits(600)]);
      await rival.close();
      expect(await acting).toBe('done');
    });

    it('is refused as a conflict, once its time is over', async () => {
      const rival = await Rival.connect(test.database);
      await rival.query(LOCK);
      const hasty = test.storage.beside({ ...test.options, queryTimeoutMs: 300 });
      const acting = hasty.audit.alone('x', async () => 'done');
      await expect(acting).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT' });
      await hasty.database.close();
      await rival.close();
    });

    it('returns what was done, though its connection has gone meanwhile', async () => {
      const acting = acts().alone('x', async () => {
        await test.database.query(
          `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
             and database = (select oid from pg_database where datname = current_database())`,
        );
        return 'done';
      });
      expect(await acting).toBe('done');
    });
  });

  it('counts an age by the clock of the database', async () => {
    await ada.pause('mail');
    const since = new Ago(3_600_000);
    // As it is where the clock of this machine is two days ahead.
    since.setTime(since.getTime() + 172_800_000);
    expect((await told({ since })).map(([, action]) => action)).toEqual(['pause']);
  });

  it('names who did what to what, with what came of it', async () => {
    const [dead] = await endedJobs(test, 1);
    const { id } = await test.rows.job({ state: 'scheduled' });
    await ada.pause('mail');
    await admin.resume('mail');
    await ada.retry(dead!);
    await ada.change(id, { runAt: undefined, priority: 3, payload: { card: 'secret' } });
    await ada.setLimit('mail', { fleetConcurrency: 3 });
    await ada.resetLimit('mail');
    await ada.cancel({ queue: 'mail', state: 'scheduled' });
    await ada.purge({ queue: 'mail', state: 'cancelled' });
    await ada.redrive({ queue: 'mail' });
    await ada.releaseGroup('mail', 'tenant 7');
    const of = 'ada@example.com';
    expect((await told()).toReversed()).toEqual([
      [of, 'pause', { queue: 'mail' }, {}],
      ['application', 'resume', { queue: 'mail' }, {}],
      [of, 'retry', { id: dead }, { revived: 1 }],
      [of, 'change', { id, changed: ['priority', 'payload'] }, { changed: 1 }],
      [of, 'set-limit', { name: 'mail', change: { fleetConcurrency: 3 } }, {}],
      [of, 'reset-limit', { name: 'mail' }, {}],
      [of, 'cancel', { queue: 'mail', state: 'scheduled' }, { cancelled: 1, requested: 0 }],
      [of, 'purge', { queue: 'mail', state: 'cancelled' }, { purged: 1, left: 0 }],
      [of, 'redrive', { queue: 'mail' }, { revived: 0, keyTaken: 0, gone: 0 }],
      [of, 'release', { queue: 'mail', group: 'tenant 7' }, { released: 0 }],
    ]);
    const [last] = await admin.audit();
    expect(last!.endedAt!.getTime()).toBeGreaterThanOrEqual(last!.at.getTime());
  });

  it('does not say of anything that it was done where it was not', async () => {
    const [ready, running] = [await test.rows.job(), await test.rows.job({ state: 'running' })];
    await ada.retry(ready.id);
    await ada.change(running.id, { priority: 7 });
    await ada.change(randomUUID(), { priority: 7 });
    await simpleQueue('change', running.id, '--payload', '1', '--no-key');
    await simpleQueue('release', 'mail', 'nosuch');
    await simpleQueue('sessions', '--end', '1', '--yes');
    await simpleQueue('enqueue', 'mail', '--unique-key', 'a');
    await simpleQueue('enqueue', 'mail', '--unique-key', 'a');
    const counts = (await told()).map(([, , , outcome]) => outcome);
    expect(counts.toReversed()).toEqual([
      { ready: 1 },
      ...[{ changed: 0 }, { changed: 0 }, { changed: 0 }],
      { released: 0 },
      { ended: 0 },
      { created: 1 },
      { created: 0, existing: 1 },
    ]);
  });

  it('has a row of what was refused, none of a call that was wrong, and none of who only counts', async () => {
    await expect(ada.pause('nowhere')).rejects.toMatchObject({ code: 'QUEUE_UNKNOWN' });
    await expect(ada.purge({})).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(ada.retry('no id')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(ada.setLimit('mail', { rate: 7 as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    await ada.purge({ queue: 'mail' }, { dryRun: true });
    expect(await told()).toEqual([
      ['ada@example.com', 'pause', { queue: 'nowhere' }, 'QUEUE_UNKNOWN'],
    ]);
  });

  it('holds no payload, nothing that one was searched for, and is bounded whatever is said', async () => {
    const where = admin.search('payload.card:4711').where!;
    await ada.purge({ where, error: 'x\u0000\ud800\u202e\ny'.slice(0, 1) });
    await ada.act('of ours\n', { ids: Array.from({ length: 500 }, (_, n) => `id ${n}`) }, async () => ({ counts: { done: 3, note: 'x' } })); // prettier-ignore
    const huge = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, Array(20).fill('y\u0000'.repeat(999))])); // prettier-ignore
    const ring: { self?: unknown } = {};
    ring.self = ring;
    await ada.act('huge', huge, async () => null);
    await ada.act('ring', ring, async () => 7);
    const cut = `${'z'.repeat(199)}\u{1f600}`;
    await ada.cancel({ group: cut });
    await ada.act(cut, { [cut]: [cut] }, async () => ({ [cut]: 1, 'n\u0000': 2 }));
    const [emoji, group] = (await told()).slice(0, 2);
    expect(emoji![2]).toEqual({ [`${'z'.repeat(199)} `]: [`${'z'.repeat(199)} `] });
    expect(emoji![3]).toEqual({ [`${'z'.repeat(199)} `]: 1, 'n ': 2 });
    expect(group![2]).toEqual({ group: `${'z'.repeat(199)} ` });
    const [, , deep, large, ours, purge] = await told();
    expect(deep).toEqual(['ada@example.com', 'ring', { self: { self: { self: { self: '...' } } } }, {}]); // prettier-ignore
    expect(large).toMatchObject(['ada@example.com', 'huge', { tooLong: expect.any(Number) }, {}]);
    expect(ours).toMatchObject(['ada@example.com', 'of ours ', {}, { done: 3 }]);
    expect((ours![2] as { ids: string[] }).ids).toHaveLength(21);
    expect(purge![2]).toMatchObject({ where: [{ path: ['card'], value: '...' }] });
    expect(JSON.stringify(purge)).not.toContain('4711');
  });

  it('is written before the act: who cannot leave a name does nothing', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('lock table simple_queue.queue in access exclusive mode');
    const pausing = ada.pause('mail');
    await eventually(async () => (await told()).length === 1);
    expect(await told()).toEqual([['ada@example.com', 'pause', { queue: 'mail' }, undefined]]);
    await rival.rollback();
    await pausing;
    await test.database.query('alter table simple_queue.operator_action rename to elsewhere');
    await expect(ada.resume('mail')).rejects.toThrow();
    await test.database.query('alter table simple_queue.elsewhere rename to operator_action');
    expect((await admin.stats('mail')).paused).toBe(true);
    await admin.resume('mail');
    await rival.close();
  });

  it('takes an act of acts for one, and passes on what it answers and throws', async () => {
    const work = async () => {
      await ada.pause('mail');
      await new QueueAdmin(test.storage, test.options).resume('mail');
      return { done: 2 };
    };
    expect(await ada.act('bounce', { queue: 'mail' }, work)).toEqual({ done: 2 });
    await expect(ada.act('fall', {}, () => Promise.reject(new Error('secret')))).rejects.toThrow(
      'secret',
    );
    expect(await told()).toEqual([
      ['ada@example.com', 'fall', {}, 'ERROR'],
      ['ada@example.com', 'bounce', { queue: 'mail' }, { done: 2 }],
    ]);
  });

  it('is read by actor, action, queue and time, page by page, each act once', async () => {
    for (let n = 0; n < 7; n++) await (n % 2 ? ada : admin).act('of ours', { n, queue: n < 3 ? 'mail' : 'sms' }, async () => n); // prettier-ignore
    await ada.act('other', {}, async () => 0);
    const read = async (filter: AuditFilter, limit: number) => {
      const seen: unknown[] = [];
      for (let after: string | undefined; ;) {
        const acts = await admin.audit(filter, { limit, ...(after && { after }) });
        seen.push(...acts.map(({ selector }) => selector.n));
        if (acts.length < limit) return seen;
        after = acts.at(-1)!.id;
      }
    };
    expect(await read({ action: 'of ours' }, 2)).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(await read({ actor: 'ada@example.com', action: 'of ours' }, 1)).toEqual([5, 3, 1]);
    expect(await read({ queue: 'mail' }, 500)).toEqual([2, 1, 0]);
    expect(await read({ since: new Date(Date.now() + 3_600_000) }, 5)).toEqual([]);
    expect(await admin.audit({}, { after: randomUUID() })).toEqual([]);
  });

  it.each<[string, AuditFilter, AuditPage]>([
    ['an unknown word', { who: 'ada' } as AuditFilter, {}],
    ['no text', { actor: 7 as never }, {}],
    ['a NUL', { action: 'a\0b' }, {}],
    ['a time that is none', { since: 'yesterday' as never }, {}],
    ['too many', {}, { limit: 501 }],
    ['a cursor that is no id', {}, { after: 'x' }],
    ['nothing', null as never, {}],
  ])('refuses %s', async (_, filter, page) => {
    await expect(admin.audit(filter, page)).rejects.toMatchObject({
      code: expect.stringMatching(/^INVALID_/),
    });
  });

  it.each([7, '', 'x'.repeat(513), 'a\0b', null, undefined])('takes no %j for a name', (name) => {
    expect(() => admin.as(name as string)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' })); // prettier-ignore
  });

  it('has the acts of the command line, by --actor or the user of the system', async () => {
    const schedules = new QueueSchedules(test.storage, test.options, { events: test.events });
    await schedules.put('nightly', { target: 'mail', everyMs: '1d' });
    const [first, second] = await endedJobs(test, 2);
    const as = ['--actor', 'bob'];
    await simpleQueue('pause', 'mail');
    await simpleQueue(...as, 'retry', first!, second!);
    await simpleQueue(...as, 'cancel', first!);
    await simpleQueue(...as, 'cancel', '--queue', 'mail', '--unique-key', 'a');
    await simpleQueue(...as, 'purge', '--queue', 'mail');
    await simpleQueue(...as, 'purge', '--queue', 'mail', '--yes');
    await simpleQueue(...as, 'schedules', 'pause', 'nightly');
    await simpleQueue(...as, 'schedules', 'run', 'nightly');
    await simpleQueue(...as, 'enqueue', 'mail', '{"card":"secret"}');
    await simpleQueue(...as, 'release', 'mail', '--all', '--yes');
    const acts = await told({ actor: 'bob' });
    expect(acts.map(([, action]) => action).toReversed()).toEqual(
      'retry cancel cancel purge pause-schedule run-schedule enqueue release'.split(' '),
    );
    expect(acts.at(-1)!.slice(2)).toEqual([{ ids: [first, second] }, { done: 2, failed: 0, left: 0 }]); // prettier-ignore
    expect(JSON.stringify(acts)).not.toContain('secret');
    const { out } = await simpleQueue('audit', '--action', 'pause', '--queue', 'mail');
    expect(out).toMatch(/pause +queue mail +done\n/);
    const { json } = await simpleQueue('audit', '--by', 'bob', '--limit', '3', '--json');
    expect((json as { acts: object[] }).acts).toHaveLength(3);
    expect((await simpleQueue('audit', '--by', 'nobody')).out).toBe('Nobody did such a thing.\n');
  });
});
