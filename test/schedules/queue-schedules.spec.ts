import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { QueueErrorCode } from '../../lib/job/queue.errors.js';
import type { NewSchedule } from '../../lib/job/schedule.js';
import { Ago } from '../../lib/runtime/ago.js';
import { eventually } from '../support/eventually.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { aStorage, Rival, type TestStorage, waitingBackends } from '../support/storage.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LEASE = '00000000-0000-7000-8000-000000000001';
const DAILY: NewSchedule = { cron: '0 2 * * *', target: 'reports' };

describe('QueueSchedules', () => {
  let test: TestStorage;
  let schedules: QueueSchedules;

  beforeAll(async () => {
    test = await aStorage();
    schedules = by('default');
  });

  beforeEach(async () => {
    await test.database.query('truncate simple_queue.schedule, simple_queue.tick');
  });

  afterAll(() => test.close());

  const by = (owner: string | undefined) =>
    new QueueSchedules(
      test.storage,
      resolveOptions({ ...(owner && { schedules: { owner } }) }).options,
      { events: test.events, owner },
    );

  const rows = () => test.database.query('select * from simple_queue.schedule');

  it('keeps a schedule, and answers it with its defaults', async () => {
    const kept = await schedules.put('nightly', { ...DAILY, payload: { a: 1 } });
    expect(kept).toMatchObject({
      name: 'nightly',
      owner: 'default',
      cron: '0 2 * * *',
      timeZone: 'UTC',
      daylightSaving: { skipped: 'after', repeated: 'first' },
      overlap: 'skip',
      catchUp: 'once',
      catchUpWithinMs: DAY_MS,
      jitterMs: 0,
      queue: 'reports',
      jobName: '',
      payload: { a: 1 },
      declared: false,
      undeclared: false,
      waiting: 0,
    });
    expect(kept.nextAt!.getUTCHours()).toBe(2);
    expect(await schedules.find('nightly')).toEqual(kept);
    expect(await schedules.list()).toEqual([kept]);
  });

  it('writes nothing where nothing is new, and moves where something is', async () => {
    const first = await schedules.put('nightly', DAILY);
    const [before] = await test.database.query('select xmin::text from simple_queue.schedule');
    await schedules.put('nightly', { ...DAILY });
    expect(await test.database.query('select xmin::text from simple_queue.schedule')).toEqual([
      before,
    ]);
    const changed = await schedules.put('nightly', { ...DAILY, cron: '0 3 * * *' });
    expect(changed.nextAt!.getUTCHours()).toBe(3);
    expect(changed.createdAt).toEqual(first.createdAt);
  });

  it('keeps a time that has come and was not made, when the plan changes meanwhile', async () => {
    await schedules.put('hourly', { everyMs: HOUR_MS, target: 'reports' });
    await test.database.query(
      `update simple_queue.schedule set next_at = date_trunc('hour', now())`,
    );
    const changed = await schedules.put('hourly', { everyMs: HOUR_MS, target: 'other' });
    expect(changed.nextAt!.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it('takes durations as texts, is the same schedule then, and leaves a payload as it is', async () => {
    const payload = { waitMs: '15 s' };
    const behind = { catchUp: 'all', payload, target: 'reports' } as const;
    const inWords = { everyMs: '1 hour', jitterMs: '15 s', catchUpWithinMs: '2 days' } as const;
    const put = await schedules.put('hourly', { ...inWords, ...behind });
    const inMs = { everyMs: HOUR_MS, jitterMs: 15_000, catchUpWithinMs: 48 * HOUR_MS };
    expect(put).toMatchObject({ ...inMs, payload });
    const [row] = await rows();
    await schedules.put('hourly', { ...inMs, ...behind });
    expect(await rows()).toEqual([row]);
    const [first, second] = await schedules.preview({ everyMs: '90 min' }, 2);
    expect(second!.getTime() - first!.getTime()).toBe(1.5 * HOUR_MS);
  });

  it('is part of the transaction that it is given', async () => {
    await expect(
      test.dataSource.transaction(async (manager) => {
        await schedules.put('nightly', DAILY, { manager });
        expect(await schedules.find('nightly', { manager })).toBeDefined();
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await rows()).toEqual([]);
    await test.dataSource.transaction(async (manager) => {
      await Promise.all(['a', 'b'].map((name) => schedules.put(name, DAILY, { manager })));
      await schedules.pause('a', { manager });
    });
    expect((await schedules.list()).map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await schedules.find('a'))!.pausedAt).toBeInstanceOf(Date);
  });

  it('lets many write one name at once', async () => {
    await Promise.all(
      Array.from({ length: 4 }, (_, hour) =>
        schedules.put('x', { ...DAILY, cron: `0 ${hour} * * *` }),
      ),
    );
    expect(await rows()).toHaveLength(1);
  });

  describe('refuses with a code of its own, and has written nothing', () => {
    const Sized = defineJob({ queue: 'sized', payload: z.object({ size: z.number() }) });
    const Staged = defineJob({ queue: 'staged', defaults: { staged: true } });
    const cases: [string, unknown, QueueErrorCode][] = [
      ['an unknown zone', { ...DAILY, timeZone: 'Europe/Atlantis' }, 'SCHEDULE_ZONE_UNKNOWN'],
      ['an offset for a zone', { ...DAILY, timeZone: '+02:00' }, 'SCHEDULE_ZONE_UNKNOWN'],
      ['a zone that is no text', { ...DAILY, timeZone: 7 }, 'SCHEDULE_ZONE_UNKNOWN'],
      ['a hostile range', { ...DAILY, cron: '1--100000000 * * * *' }, 'SCHEDULE_PATTERN_INVALID'],
      [
        'a hostile list',
        { ...DAILY, cron: `${'1,'.repeat(1e6)}1 * * * *` },
        'SCHEDULE_PATTERN_INVALID',
      ],
      ['a hostile step', { ...DAILY, cron: '*/999999999 * * * *' }, 'SCHEDULE_PATTERN_INVALID'],
      ['years', { ...DAILY, cron: '0 0 0 1 1 * 2030' }, 'SCHEDULE_PATTERN_INVALID'],
      ['four fields', { ...DAILY, cron: '0 0 * *' }, 'SCHEDULE_PATTERN_INVALID'],
      ['no pattern', { ...DAILY, cron: '' }, 'SCHEDULE_PATTERN_INVALID'],
      ['a pattern that is no text', { ...DAILY, cron: {} }, 'SCHEDULE_PATTERN_INVALID'],
      ['@reboot', { ...DAILY, cron: '@reboot' }, 'SCHEDULE_PATTERN_INVALID'],
      ['minute 60', { ...DAILY, cron: '60 * * * *' }, 'SCHEDULE_PATTERN_INVALID'],
      ['no time', { target: 'reports' }, 'SCHEDULE_PATTERN_INVALID'],
      ['two times', { ...DAILY, everyMs: HOUR_MS }, 'SCHEDULE_PATTERN_INVALID'],
      ['31 February', { ...DAILY, cron: '0 0 31 2 *' }, 'SCHEDULE_NEVER_RUNS'],
      [
        'an end before its start',
        { ...DAILY, startAt: new Date(2), endAt: new Date(1) },
        'SCHEDULE_NEVER_RUNS',
      ],
      ['an end in the past', { ...DAILY, endAt: new Date(DAY_MS) }, 'SCHEDULE_NEVER_RUNS'],
      [
        'no leap day until its end',
        {
          ...DAILY,
          cron: '0 0 29 2 *',
          startAt: new Date('2029-01-01'),
          endAt: new Date('2030-01-01'),
        },
        'SCHEDULE_NEVER_RUNS',
      ],
      ['everyMs: 0', { everyMs: 0, target: 'reports' }, 'INVALID_OPTION'],
      ['a time of no unit', { everyMs: '15 moons' as never, target: 'reports' }, 'INVALID_OPTION'],
      ['a text beyond the bounds', { everyMs: '10 ms', target: 'reports' }, 'INVALID_OPTION'],
      ['everyMs: 0.5', { everyMs: 0.5, target: 'reports' }, 'INVALID_OPTION'],
      ['a wrong overlap', { ...DAILY, overlap: 'never' }, 'INVALID_OPTION'],
      ['a mistyped option', { ...DAILY, timezone: 'UTC' }, 'INVALID_OPTION'],
      ['a bound of nothing', { ...DAILY, catchUpWithinMs: HOUR_MS }, 'INVALID_OPTION'],
      ['a negative jitter', { ...DAILY, jitterMs: -1 }, 'INVALID_OPTION'],
      ['an invalid date', { ...DAILY, startAt: new Date(NaN) }, 'INVALID_OPTION'],
      ['a queue that is none', { ...DAILY, target: 'no queue' }, 'INVALID_NAME'],
      [
        'a payload that its schema refuses',
        { ...DAILY, target: Sized, payload: { size: 'x' } },
        'INVALID_PAYLOAD',
      ],
      ['a payload that is no JSON', { ...DAILY, payload: { a: 1n } }, 'INVALID_PAYLOAD'],
      ['a template of staged jobs', { ...DAILY, target: Staged }, 'INVALID_OPTION'],
      ['the id of one job', { ...DAILY, job: { id: 'x' } }, 'INVALID_OPTION'],
      ['another run time', { ...DAILY, job: { delayMs: 5 } }, 'INVALID_OPTION'],
      ['an unknown option of jobs', { ...DAILY, job: { prioritty: 5 } }, 'INVALID_OPTION'],
    ];

    it.each(cases)('%s', async (_, given, code) => {
      await expect(schedules.put('x', given as NewSchedule)).rejects.toMatchObject({
        name: 'QueueError',
        code,
      });
      expect(await rows()).toEqual([]);
    });

    it.each(['', ' x', 'x\n', 'x'.repeat(201), '\ud800', 7, undefined])(
      'the name %j',
      async (name) => {
        await expect(schedules.put(name as string, DAILY)).rejects.toMatchObject({
          code: 'INVALID_NAME',
        });
      },
    );

    it('a name of another owner, whose schedules it does not list', async () => {
      await schedules.put('shared', DAILY);
      const other = by('billing');
      const refused = { code: 'SCHEDULE_FOREIGN' };
      await expect(other.put('shared', DAILY)).rejects.toMatchObject(refused);
      await expect(other.pause('shared')).rejects.toMatchObject(refused);
      await expect(other.resume('shared')).rejects.toMatchObject(refused);
      await expect(other.trigger('shared')).rejects.toMatchObject(refused);
      await expect(other.remove('shared')).rejects.toMatchObject(refused);
      expect(await other.list()).toEqual([]);
      expect(await other.prune()).toEqual([]);
      expect(await rows()).toHaveLength(1);
    });

    it('what is not called like that: a mistyped dry run would delete', async () => {
      const mistyped = [
        () => schedules.prune({ dryrun: true } as object),
        () => schedules.prune({ ownr: 'x' } as object),
        () => schedules.list({ ownr: 'x' } as object),
        () => schedules.ticks('x', { limt: 1 } as object),
      ];
      await expect(schedules.preview({ cron: '* * * * *' }, 0)).rejects.toThrow('preview: count');
      await expect(schedules.find('x', { mangaer: 1 } as object)).rejects.toThrow(
        'schedules.find: ',
      );
      await expect(
        schedules.preview({ cron: '* * * * *', timeZone: null } as never),
      ).rejects.toMatchObject({ code: 'SCHEDULE_ZONE_UNKNOWN' });
      await expect(schedules.list(null as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
      for (const call of mistyped)
        await expect(call()).rejects.toMatchObject({
          code: 'INVALID_OPTION',
          message: expect.stringContaining('did you mean'),
        });
    });

    it('what there is not', async () => {
      const unknown = { code: 'SCHEDULE_UNKNOWN' };
      await expect(schedules.pause('x')).rejects.toMatchObject(unknown);
      await expect(schedules.resume('x')).rejects.toMatchObject(unknown);
      await expect(schedules.trigger('x')).rejects.toMatchObject(unknown);
      await expect(schedules.preview('x')).rejects.toMatchObject(unknown);
      expect(await schedules.find('x')).toBeUndefined();
      expect(await schedules.remove('x')).toBe(false);
    });
  });

  it('accepts a start that has passed, and a template with its defaults', async () => {
    const Bill = defineJob<{ eu: boolean }>()({
      queue: 'billing',
      name: 'bill',
      defaults: { priority: 3, delayMs: 5 },
    });
    await schedules.put('bill', {
      cron: '@monthly',
      target: Bill,
      payload: { eu: true },
      startAt: new Date(0),
    });
    const { id } = await schedules.trigger('bill');
    const [job] = await test.database.query(`select * from simple_queue.jobs where id = '${id}'`);
    expect(job).toMatchObject({
      queue: 'billing',
      name: 'bill',
      priority: 3,
      payload: { eu: true },
      state: 'ready',
    });
  });

  it('triggers whatever is paused, as often as it is asked, and says for which time', async () => {
    await schedules.put('x', { ...DAILY, overlap: 'skip' });
    await schedules.pause('x');
    const all = await Promise.all([1, 2, 3].map(() => schedules.trigger('x')));
    expect(new Set(all.map(({ id }) => id)).size).toBe(3);
    expect(new Set(all.map(({ at }) => at.getTime())).size).toBe(3);
    expect((await schedules.ticks('x')).map(({ outcome }) => outcome)).toEqual([
      'triggered',
      'triggered',
      'triggered',
    ]);
  });

  it('triggers in a transaction: job and tick, or neither', async () => {
    await schedules.put('x', { ...DAILY, target: 'rolled' });
    await expect(
      test.dataSource.transaction(async (manager) => {
        await schedules.trigger('x', { manager });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await schedules.ticks('x')).toEqual([]);
    expect(
      await test.database.query(`select from simple_queue.jobs where queue = 'rolled'`),
    ).toEqual([]);
  });

  it('leaves a transaction whole whose trigger a full queue has refused', async () => {
    const narrow = new QueueSchedules(
      test.storage,
      resolveOptions({ queues: { full: { maxPending: 1 } } }).options,
      { events: test.events, owner: 'default' },
    );
    await narrow.put('full', { ...DAILY, target: 'full' });
    await narrow.trigger('full');
    await test.dataSource.transaction(async (manager) => {
      await expect(narrow.trigger('full', { manager })).rejects.toMatchObject({
        code: 'QUEUE_FULL',
      });
      await manager.query('select 1');
    });
    expect(await narrow.ticks('full')).toHaveLength(1);
  });

  describe('backfills', () => {
    const from = new Date('2026-01-01T00:00:00Z');
    const to = new Date('2026-01-08T00:00:00Z');

    it('counts ages by the clock of the database', async () => {
      await schedules.put('x', { everyMs: 3_600_000, target: 'backfilled' });
      const span = { from: new Ago(10_800_000), to: new Ago(0) };
      // As it is where the clock of this machine is two days ahead.
      for (const ago of Object.values(span)) ago.setTime(ago.getTime() + 172_800_000);
      const { times } = await schedules.backfill('x', { ...span, dryRun: true });
      expect(times).toHaveLength(3);
      expect(times[2]!.getTime()).toBeLessThan(Date.now() + 3_600_000);
    });

    it('each time once, the oldest first; a dry run only says which', async () => {
      await schedules.put('x', { ...DAILY, target: 'backfilled' });
      const dry = await schedules.backfill('x', { from, to, dryRun: true });
      expect(dry.times).toHaveLength(7);
      expect(dry.jobs).toEqual([]);
      expect(await schedules.ticks('x')).toEqual([]);
      const { times, jobs } = await schedules.backfill('x', { from, to });
      expect(times).toEqual(dry.times);
      expect(jobs).toHaveLength(7);
      expect(await schedules.backfill('x', { from, to })).toEqual({ times: [], jobs: [] });
      const stored = await test.database.query<{ at: string }>(
        `select options -> 'schedule' ->> 'at' as at from simple_queue.jobs where queue = 'backfilled' order by run_at, id`,
      );
      expect(stored.map(({ at }) => at)).toEqual(times.map((time) => time.toISOString()));
    });

    it('what was missed or skipped, and not what had its job', async () => {
      await schedules.put('x', DAILY);
      await test.database.query(`insert into simple_queue.tick (schedule, shard, at, outcome) values
        ('x', 0, '2026-01-02T02:00Z', 'missed'), ('x', 0, '2026-01-03T02:00Z', 'skipped'), ('x', 0, '2026-01-04T02:00Z', 'enqueued')`);
      expect((await schedules.backfill('x', { from, to })).jobs).toHaveLength(6);
    });

    it.each([
      ['the future', { from, to: new Date(Date.now() + DAY_MS) }, 'INVALID_OPTION'],
      ['a span that is none', { from: to, to: from }, 'INVALID_OPTION'],
      ['what is no date', { from: 'x', to }, 'INVALID_OPTION'],
      ['times before any clock', { from: new Date(-1), to }, 'INVALID_OPTION'],
      ['a mistyped option', { from, to, dryrun: true }, 'INVALID_OPTION'],
      ['more than 1,000 times', { from: new Date('2020-01-01'), to }, 'SCHEDULE_TOO_LARGE'],
    ])('nothing of %s', async (_, options, code) => {
      await schedules.put('x', DAILY);
      await expect(schedules.backfill('x', options as never)).rejects.toMatchObject({ code });
      expect(await schedules.ticks('x')).toEqual([]);
    });
  });

  it('prunes nothing that a worker has come to declare since it looked', async () => {
    await schedules.put('now', DAILY);
    await schedules.put('gone', DAILY);
    await test.database.query('update simple_queue.schedule set declared = true');
    const { schedules: kept, leases } = test.storage;
    const list = kept.list.bind(kept);
    kept.list = async (...asked) => {
      const rows = await list(...asked);
      await leases.take(LEASE, 'w', 60_000, { schedules: ['now'] });
      return rows;
    };
    try {
      expect(await schedules.prune()).toEqual(['gone']);
    } finally {
      kept.list = list;
      await leases.end(LEASE);
    }
    expect(await schedules.prune()).toEqual(['now']);
  });

  describe('previews', () => {
    it('a schedule, with the jitter that its jobs will have', async () => {
      await schedules.put('x', { ...DAILY, jitterMs: HOUR_MS });
      const times = await schedules.preview('x', 5);
      expect(await by('default').preview('x', 5)).toEqual(times);
      for (const time of times) expect(time.getUTCHours()).toBe(2);
      expect(new Set(times.map((time) => time.getTime() % HOUR_MS)).size).toBeGreaterThan(1);
    });

    it('in the order of the runs, also where the jitter is longer than the time between them', async () => {
      await schedules.put('x', { everyMs: 60_000, target: 'reports', jitterMs: HOUR_MS });
      const times = (await schedules.preview('x', 50)).map(Number);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    it('a rule that is kept nowhere', async () => {
      const times = await schedules.preview({ cron: '0 8 * * MON', timeZone: 'Europe/Berlin' }, 3);
      expect(times.map((time) => time.getUTCDay())).toEqual([1, 1, 1]);
      await expect(schedules.preview({ cron: 'x' })).rejects.toMatchObject({
        code: 'SCHEDULE_PATTERN_INVALID',
      });
      await expect(schedules.preview('x', 0)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    });
  });

  it('removes a schedule, and what waits of its ticks', async () => {
    await schedules.put('x', DAILY);
    await test.database.query(
      `insert into simple_queue.tick (schedule, shard, at, outcome) values ('x', 0, now(), 'waiting')`,
    );
    expect(await schedules.remove('x')).toBe(true);
    expect((await schedules.ticks('x')).map(({ outcome }) => outcome)).toEqual(['skipped']);
  });

  it('removes a schedule, and a tick that began to wait while it waited for the schedule', async () => {
    await schedules.put('x', DAILY);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('update simple_queue.schedule set waiting = 1');
    const removed = schedules.remove('x');
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.query(
      `insert into simple_queue.tick (schedule, shard, at, outcome) values ('x', 0, now(), 'waiting')`,
    );
    await rival.commit();
    await rival.close();
    expect(await removed).toBe(true);
    expect((await schedules.ticks('x')).map(({ outcome }) => outcome)).toEqual(['skipped']);
  });

  it('lists pages', async () => {
    for (const name of ['c', 'a', 'b']) await schedules.put(name, DAILY);
    const page = await schedules.list({ limit: 2 });
    expect(page.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await schedules.list({ after: 'b' })).map(({ name }) => name)).toEqual(['c']);
  });
});
