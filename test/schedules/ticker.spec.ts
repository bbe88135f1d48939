import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Ticker } from '../../lib/schedules/ticker.js';
import type { NewSchedule } from '../../lib/job/schedule.js';
import type { QueueEvents } from '../../lib/observability/events.js';
import { QueueService } from '../../lib/queue.service.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { aSite } from '../support/site.js';
import { eventually } from '../support/eventually.js';
import type { Run } from '../../lib/storage/connection/database.js';
import { aStorage, Rival, type TestStorage, waitingBackends } from '../support/storage.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('Ticker', () => {
  let test: TestStorage;
  let ticked: QueueEvents['ticked'][];

  beforeAll(async () => {
    test = await aStorage();
    test.events.on('ticked', (event) => void ticked.push(event));
  });

  beforeEach(async () => {
    ticked = [];
    await test.database.query(
      'truncate simple_queue.schedule, simple_queue.tick, simple_queue.job, simple_queue.ready, simple_queue.scheduled, simple_queue.blocked, simple_queue.fair_ready, simple_queue.head, simple_queue.archive',
    );
  });

  afterAll(() => test.close());

  function schedulesOf(options: SimpleQueueOptions = {}): QueueSchedules {
    const resolved = resolveOptions(options).options;
    return new QueueSchedules(test.storage, resolved, { events: test.events, owner: 'default' });
  }

  const put = (name: string, schedule: Partial<NewSchedule> = {}, options?: SimpleQueueOptions) =>
    schedulesOf(options).put(name, {
      everyMs: HOUR_MS,
      // Its next time is never near, whenever the test runs.
      startAt: new Date(Date.now() - 1_000 * DAY_MS - HOUR_MS / 2),
      target: 'reports',
      ...schedule,
    } as NewSchedule);

  /** As if its next time had come so long ago. */
  const letPass = (name: string, ms: number) =>
    test.database.query(
      `update simple_queue.schedule set next_at = date_trunc('milliseconds', now() - $2::float8 * interval '1 ms') where name = $1`,
      [name, ms],
    );

  const aTicker = () => new Ticker(aSite(test));
  const ticks = (name: string) => schedulesOf().ticks(name, { limit: 1_000 });
  const outcomes = async (name: string) =>
    (await ticks(name)).map(({ outcome }) => outcome).reverse();
  const jobs = () =>
    test.database.query<{
      id: string;
      state: string;
      options: { schedule: { name: string; at: string } };
    }>('select * from simple_queue.jobs order by created_at');
  const turn = async (ticker = aTicker()) => {
    for (let rounds = 0; rounds < 20 && (await ticker.round()) === 0; rounds++);
  };

  it('enqueues a job when its time has come, with name and time in it, and moves on', async () => {
    await put('hourly', { payload: { a: 1 } });
    await letPass('hourly', 10);
    const before = (await schedulesOf().find('hourly'))!;
    await turn();
    const [job] = await jobs();
    expect(job).toMatchObject({
      queue: 'reports',
      state: 'ready',
      payload: { a: 1 },
      options: { schedule: { name: 'hourly', at: before.nextAt!.toISOString() } },
    });
    expect(await ticks('hourly')).toEqual([
      { at: before.nextAt, madeAt: expect.any(Date), outcome: 'enqueued', jobId: job!.id },
    ]);
    const after = (await schedulesOf().find('hourly'))!;
    expect((after.nextAt!.getTime() - after.startAt!.getTime()) % HOUR_MS).toBe(0);
    expect(after.nextAt!.getTime()).toBeGreaterThan(Date.now());
    expect(after.lastAt).toEqual(before.nextAt);
    expect(ticked).toMatchObject([{ schedule: 'hourly', outcome: 'enqueued', jobId: job!.id }]);
  });

  it('makes the tick of a time that somebody has written by hand, with microseconds', async () => {
    await put('hourly');
    const byHand = (at: string) => test.database.query(`update simple_queue.schedule set next_at = date_trunc('milliseconds', now()) - interval '2 hours' + interval '${at}'`); // prettier-ignore
    for (const at of ['0.4 ms', '0.6 ms']) {
      await byHand(at);
      await turn();
      expect((await outcomes('hourly')).at(-1)).toBe('enqueued');
      await byHand(at);
      await put('hourly', { payload: at });
      await byHand(at);
      await schedulesOf().pause('hourly');
      await schedulesOf().resume('hourly');
      await test.database.query('delete from simple_queue.job');
    }
  });

  it('is told by the promoter when its time comes, by whoever it was written', async () => {
    const tickMs = async () => (await test.storage.claims.promote('-infinity', [])).tickMs;
    expect(await tickMs()).toBeNull();
    await put('hourly');
    const first = await tickMs();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(HOUR_MS);
    await letPass('hourly', 10);
    expect(await tickMs()).toBeLessThanOrEqual(0);
    await schedulesOf().pause('hourly');
    expect(await tickMs()).toBeNull();
    await put('hourly', { overlap: 'queue' });
    await schedulesOf().resume('hourly');
    for (let n = 0; n < 2; n++) {
      await letPass('hourly', 10);
      await turn();
    }
    expect(await outcomes('hourly')).toEqual(['enqueued', 'waiting']);
    expect(await tickMs()).toBe(0);
  });

  it('makes a tick once, however many look at the same time', async () => {
    await put('hourly');
    await letPass('hourly', 10);
    await Promise.all(Array.from({ length: 12 }, () => aTicker().round()));
    expect(await jobs()).toHaveLength(1);
  });

  it('loses nothing when a pass comes a little late, and says so when it comes very late', async () => {
    await put('hourly', { overlap: 'allow', catchUp: 'none' });
    await letPass('hourly', 45_000);
    await turn();
    expect(await outcomes('hourly')).toEqual(['enqueued']);
    await letPass('hourly', 4 * HOUR_MS + 1_000);
    await turn();
    expect(await ticks('hourly')).toMatchObject([
      { outcome: 'enqueued' },
      { outcome: 'missed', times: 5 },
    ]);
  });

  it('does nothing for a process that was frozen while others went on', async () => {
    await put('hourly', { overlap: 'allow' });
    await letPass('hourly', 10);
    const { schedules, database } = test.storage;
    const { due } = await schedules.findDue();
    await turn();
    const { hash, nextAt } = due[0]!;
    const stale = { name: 'hourly', hash, at: nextAt!, next: Date.now() + DAY_MS, job: null };
    expect(await schedules.tick(database.loops.run, stale)).toBeUndefined();
    expect(await jobs()).toHaveLength(1);
    expect((await schedulesOf().find('hourly'))!.nextAt!.getTime()).toBeLessThan(
      Date.now() + HOUR_MS + 1_000,
    );
  });

  it('lets an old process do nothing once its schedule was changed', async () => {
    await put('hourly');
    await letPass('hourly', 10);
    const { schedules, database } = test.storage;
    const { due } = await schedules.findDue();
    await schedulesOf().pause('hourly');
    await schedulesOf().resume('hourly');
    const { hash, nextAt } = due[0]!;
    const stale = { name: 'hourly', hash, at: nextAt!, next: Date.now() + DAY_MS, job: null };
    expect(await schedules.tick(database.loops.run, stale)).toBeUndefined();
    expect(await jobs()).toHaveLength(0);
  });

  it.each<[string, Partial<NewSchedule>, NewSchedule['overlap']]>([
    ['its payload', { payload: 'new' }, 'allow'],
    ['its queue', { target: 'others' }, 'skip'],
    ['its overlap', { overlap: 'cancel' }, 'skip'],
    ['the payload of a tick that waits', { payload: 'new' }, 'queue'],
  ])(
    'gives no old job to a time that stays the same while a process changes %s',
    async (_, change, overlap) => {
      const isWaiting = overlap === 'queue';
      const at = Date.now() - 10;
      const plan = { overlap, payload: 'old', startAt: new Date(at - 1_000 * DAY_MS) };
      await put('hourly', plan);
      await test.database.query('update simple_queue.schedule set next_at = $1', [new Date(at - Number(isWaiting))]); // prettier-ignore
      if (isWaiting) {
        await turn();
        const { cancels, database } = test.storage;
        await cancels.byId(database.callers.run, (await jobs()).map(({ id }) => id), {}); // prettier-ignore
      }
      const { schedules } = test.storage;
      const found = await schedules.findDue();
      expect(found.due).toHaveLength(1);
      const slow = jest.spyOn(schedules, 'findDue').mockResolvedValueOnce(found);
      await put('hourly', { ...plan, ...change });

      await aTicker().round();
      slow.mockRestore();
      const old = (await jobs()).filter(({ state }) => state !== 'cancelled');
      await turn();

      expect(old).toEqual([]);
      const live = (await jobs()).filter(({ state }) => state !== 'cancelled');
      expect(live).toMatchObject([{ payload: change.payload ?? 'old', queue: change.target ?? 'reports' }]); // prettier-ignore
    },
  );

  it('leaves a schedule for later that somebody holds locked, and works the others', async () => {
    await put('locked');
    await put('free');
    await letPass('locked', 10);
    await letPass('free', 5);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select from simple_queue.schedule where name = 'locked' for update`);
    await turn();
    expect(await outcomes('free')).toEqual(['enqueued']);
    expect(await outcomes('locked')).toEqual([]);
    await rival.commit();
    await rival.close();
    await turn();
    expect(await outcomes('locked')).toEqual(['enqueued']);
  });

  it('works what is due behind 100 that somebody holds locked, and behind as many ticks that wait', async () => {
    const names = Array.from({ length: 150 }, (_, index) => `locked${index}`);
    await Promise.all([...names, 'free', 'waits'].map((name) => put(name, { overlap: 'queue' })));
    await Promise.all(names.map((name) => letPass(name, 20)));
    await letPass('free', 10);
    await test.database.query(
      `update simple_queue.schedule set waiting = case when name = 'waits' then 1 else 2 end where name <> 'free'`,
    );
    await test.database.query(
      `insert into simple_queue.tick (schedule, shard, at, outcome) select name, 0, date_trunc('second', now() - interval '1 day'), 'waiting' from simple_queue.schedule where waiting > 0`,
    );
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select from simple_queue.schedule where name like 'locked%' for update`);
    const ticker = aTicker();
    const rests: number[] = [];
    for (let rounds = 0; rounds < 6; rounds++) rests.push(await ticker.round());
    await rival.commit();
    await rival.close();
    expect([await outcomes('free'), await outcomes('waits')]).toEqual([['enqueued'], ['enqueued']]);
    expect(rests).toContain(200);
    await turn(ticker);
    expect(await jobs()).toHaveLength(152);
  });

  it('works any number of schedules that are due at once, in bounded looks', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `s${index}`);
    await Promise.all(names.map((name) => put(name)));
    await test.database.query(
      `update simple_queue.schedule set next_at = date_trunc('second', now())`,
    );
    expect((await test.storage.schedules.findDue()).due).toHaveLength(100);
    await turn();
    expect(await jobs()).toHaveLength(250);
  });

  it('rests until the next time, and without schedules for half a minute, with one look', async () => {
    const ticker = aTicker();
    expect(await ticker.round()).toBe(30_000);
    await put('soon');
    await test.database.query(
      `update simple_queue.schedule set next_at = now() + interval '2 seconds'`,
    );
    expect(await ticker.round()).toBeLessThanOrEqual(2_000);
  });

  describe('while the job of an earlier tick is live', () => {
    async function twice(schedule: Partial<NewSchedule>): Promise<void> {
      await put('x', schedule);
      await letPass('x', 2_000);
      await turn();
      await letPass('x', 1_000);
      await turn();
    }

    it('skips by default, and says so', async () => {
      await twice({});
      expect(await outcomes('x')).toEqual(['enqueued', 'skipped']);
      expect(await jobs()).toHaveLength(1);
      expect(ticked.map(({ outcome }) => outcome)).toEqual(['enqueued', 'skipped']);
    });

    it('goes on when that job has ended, however it ended', async () => {
      await twice({});
      await test.database.query('delete from simple_queue.job');
      await test.database.query('delete from simple_queue.ready');
      await letPass('x', 500);
      await turn();
      expect(await outcomes('x')).toEqual(['enqueued', 'skipped', 'enqueued']);
    });

    it('counts a job that waits for its retry', async () => {
      await put('x');
      await letPass('x', 2_000);
      await turn();
      await test.database.query(`with gone as (delete from simple_queue.ready returning *)
        insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
        select now() + interval '1 hour', shard, id, lane, priority, epoch from gone`);
      await letPass('x', 1_000);
      await turn();
      expect(await outcomes('x')).toEqual(['enqueued', 'skipped']);
    });

    it('allows another one', async () => {
      await twice({ overlap: 'allow' });
      expect(await jobs()).toHaveLength(2);
    });

    it('cancels the earlier one', async () => {
      await twice({ overlap: 'cancel' });
      const states = await test.database.query<{ state: string }>(
        'select state from simple_queue.jobs order by created_at',
      );
      expect(states.map(({ state }) => state)).toEqual(['cancelled', 'ready']);
      expect(await outcomes('x')).toEqual(['enqueued', 'enqueued']);
    });

    it('queues: one after another, in order, and at most 100 wait', async () => {
      await twice({ overlap: 'queue' });
      expect(await outcomes('x')).toEqual(['enqueued', 'waiting']);
      expect((await schedulesOf().find('x'))!.waiting).toBe(1);
      const [first] = await jobs();
      await test.database.query('delete from simple_queue.ready');
      await test.database.query('delete from simple_queue.job');
      await turn();
      expect(await outcomes('x')).toEqual(['enqueued', 'enqueued']);
      const [second] = await jobs();
      expect(second!.id).not.toBe(first!.id);
      expect((await schedulesOf().find('x'))!.waiting).toBe(0);
      await test.database.query(`update simple_queue.schedule set waiting = 100`);
      await letPass('x', 500);
      await turn();
      expect(await outcomes('x')).toEqual(['enqueued', 'enqueued', 'skipped']);
    });

    it.each([1, 100])(
      'goes on where somebody has deleted the ticks that waited, %i of them',
      async (waiting) => {
        await put('x', { overlap: 'queue' });
        await test.database.query(`update simple_queue.schedule set waiting = $1`, [waiting]);
        const ticker = aTicker();
        expect(await ticker.round()).toBe(0);
        expect((await schedulesOf().find('x'))!.waiting).toBe(0);
        expect(await ticker.round()).toBe(30_000);
        await letPass('x', 10);
        await turn(ticker);
        expect(await outcomes('x')).toEqual(['enqueued']);
      },
    );

    it.each(['skip', 'queue', 'cancel', 'waiting'] as const)(
      'sees one that began after its snapshot, before it held the schedule: %s',
      async (which) => {
        const isWaiting = which === 'waiting';
        await put('x', { overlap: isWaiting ? 'queue' : which });
        if (isWaiting) {
          await test.database.query(`update simple_queue.schedule set waiting = 1`);
          await test.database.query(`insert into simple_queue.tick (schedule, shard, at, outcome) values ('x', 0, date_trunc('second', now()), 'waiting')`); // prettier-ignore
        } else await letPass('x', 10);
        const { schedules } = test.storage;
        const [row] = (await schedules.findDue()).due;
        const rival = await Rival.connect(test.database);
        await rival.query('select pg_advisory_lock(7)');
        // Its snapshot is taken, and it has come no further.
        const held = ((statement, values) =>
          test.database.query(statement.text.replace('from simple_queue.schedule s\n', 'from (select pg_advisory_xact_lock_shared(7)) l, simple_queue.schedule s\n'), values)) as Run; // prettier-ignore
        const tick = { name: 'x', hash: row!.hash, at: row!.waitingAt ?? row!.nextAt!, job: randomUUID() }; // prettier-ignore
        const made = isWaiting
          ? schedules.takeWaiting(held, tick)
          : schedules.tick(held, { ...tick, next: Date.now() + HOUR_MS });
        await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
        const { id } = await schedulesOf().trigger('x');
        await rival.query('select pg_advisory_unlock(7)');
        await rival.close();

        expect(await made).toBe(isWaiting ? false : undefined);
        await turn();
        const live = (await jobs()).filter(({ state }) => state !== 'cancelled');
        expect(live).toHaveLength(1);
        expect(live[0]!.id === id).toBe(which !== 'cancel');
        expect((await schedulesOf().find('x'))!.waiting).toBe(
          Number(isWaiting || which === 'queue'),
        );
      },
    );

    it('counts a job of an older tick that somebody runs again', async () => {
      const queues = new QueueService(test.storage, resolveOptions({}).options, test.events);
      const pass = async () => {
        await letPass('x', 1_000);
        await turn();
      };
      await put('x');
      await pass();
      const { id } = (await jobs())[0]!;
      await queues.cancel({ id });
      await pass();
      await queues.cancel({ id: (await jobs()).at(-1)!.id });
      await test.storage.revivals.revive([id], ['cancelled']);
      await pass();
      expect(await outcomes('x')).toEqual(['enqueued', 'enqueued', 'skipped']);
    });

    it('goes on behind a job that ended badly: a dead report does not stop those of other nights', async () => {
      await twice({ overlap: 'queue' });
      await test.database.query('delete from simple_queue.ready');
      await test.database.query('delete from simple_queue.job');
      await turn();
      expect(await jobs()).toHaveLength(1);
    });
  });

  describe('of what was missed while nothing ran', () => {
    async function afterADay(schedule: Partial<NewSchedule>): Promise<string[]> {
      await put('x', { overlap: 'allow', ...schedule });
      // Never within the last minute, whenever the test runs.
      const from = Date.now() - 25 * HOUR_MS - 30 * 60_000;
      await test.database.query(`update simple_queue.schedule set next_at = to_timestamp($1::float8 / 1000), spec = jsonb_set(spec, '{startAt}', to_jsonb($2::float8)), hash = 'h' || random()`, [from, from]); // prettier-ignore
      await turn();
      return outcomes('x');
    }

    it('makes one by default, the last', async () => {
      const outcomes = await afterADay({});
      expect(outcomes.filter((outcome) => outcome === 'enqueued')).toHaveLength(1);
      expect(outcomes[0]).toBe('missed');
      const [job] = await jobs();
      expect(Date.now() - Date.parse(job!.options.schedule.at)).toBeLessThan(2 * HOUR_MS);
    });

    it('makes none', async () => {
      expect(await afterADay({ catchUp: 'none' })).toEqual(['missed']);
      expect(await jobs()).toHaveLength(0);
      expect((await schedulesOf().find('x'))!.nextAt!.getTime()).toBeGreaterThan(Date.now());
    });

    it('makes all that are not older than a day, the oldest first', async () => {
      const outcomes = await afterADay({ catchUp: 'all' });
      const made = await jobs();
      expect(made.length).toBeGreaterThanOrEqual(24);
      expect(outcomes).toEqual(['missed', ...made.map(() => 'enqueued')]);
      const times = made.map(({ options }) => options.schedule.at);
      expect(times).toEqual([...times].sort());
    });

    it('makes at most 100, and walks no further than it has to', async () => {
      await put('x', { everyMs: 1_000, overlap: 'allow', catchUp: 'all' });
      await letPass('x', 400 * DAY_MS);
      // A second round would make what has come meanwhile.
      await aTicker().round();
      const made = (await jobs()).length;
      expect(made).toBeGreaterThanOrEqual(100);
      expect(made).toBeLessThanOrEqual(100 + 62);
      expect((await ticks('x')).at(-1)).toMatchObject({ outcome: 'missed', times: 1_000 });
    });
  });

  describe('with jobs of all kinds', () => {
    const one = async (schedule: Partial<NewSchedule>, options: SimpleQueueOptions = {}) => {
      await put('x', { overlap: 'allow', ...schedule }, options);
      await letPass('x', 10);
      await turn();
    };

    it('spreads runs by a jitter that the preview knows', async () => {
      await put('x', { everyMs: DAY_MS, jitterMs: HOUR_MS });
      const [preview] = await schedulesOf().preview('x', 1);
      const { nextAt } = (await schedulesOf().find('x'))!;
      await test.database.query(`update simple_queue.schedule set spec = spec || jsonb_build_object('aheadMs', 172800000), next_at = next_at - interval '2 days'`); // prettier-ignore
      await turn();
      const [job] = await test.database.query<{ run_at: Date; options: object }>(
        'select run_at, options from simple_queue.job',
      );
      expect(job).toBeDefined();
      expect(preview!.getTime() - nextAt!.getTime()).toBeLessThanOrEqual(HOUR_MS);
    });

    it('gives ordered jobs their turn, in an ordered queue and in a group', async () => {
      await one({}, { queues: { reports: { ordered: true } } });
      await letPass('x', 5);
      await turn();
      expect((await jobs()).length).toBe(2);
      const states = await test.database.query<{ state: string }>(
        'select state from simple_queue.jobs order by created_at',
      );
      expect(states.map(({ state }) => state)).toEqual(['ready', 'blocked']);
    });

    it('stands with its group in a fair queue', async () => {
      await one({ job: { group: 'eu' } }, { queues: { reports: { fair: true } } });
      expect(await test.database.query('select group_name from simple_queue.fair_ready')).toEqual([
        { group_name: 'eu' },
      ]);
    });

    it('enqueues nothing where the unique key is taken, and says whose it is', async () => {
      await one({ job: { uniqueKey: 'k' } });
      await letPass('x', 5);
      await turn();
      const [second, first] = await ticks('x');
      expect(second).toMatchObject({ outcome: 'existing', jobId: first!.jobId });
      expect(await jobs()).toHaveLength(1);
    });

    it('is refused by a full queue, and goes on', async () => {
      await one({}, { queues: { reports: { maxPending: 1 } } });
      await letPass('x', 5);
      await turn();
      expect((await ticks('x'))[0]).toMatchObject({ outcome: 'refused', code: 'QUEUE_FULL' });
      expect(await jobs()).toHaveLength(1);
      expect((await schedulesOf().find('x'))!.nextAt!.getTime()).toBeGreaterThan(Date.now());
    });

    it('leaves a schedule alone that this release cannot read, and works the others', async () => {
      await put('broken');
      await put('sound');
      await letPass('broken', 20);
      await letPass('sound', 10);
      await test.database.query(
        `update simple_queue.schedule set spec = spec - 'everyMs' || '{"cron": "no"}', hash = 'broken' where name = 'broken'`,
      );
      const warnings: string[] = [];
      const stop = test.events.on('warning', ({ code }) => void warnings.push(code));
      const ticker = aTicker();
      await turn(ticker);
      await turn(ticker);
      stop();
      expect(warnings).toEqual(['SCHEDULE_BROKEN']);
      expect(await outcomes('sound')).toEqual(['enqueued']);
    });

    it('registers its lane again where the tables were emptied', async () => {
      await one({});
      await test.database.query('truncate simple_queue.lane cascade');
      await letPass('x', 5);
      await turn();
      expect((await outcomes('x')).at(-1)).toBe('enqueued');
      expect(
        await test.database.query(
          'select from simple_queue.job j join simple_queue.lane l on l.id = j.lane',
        ),
      ).toHaveLength(1);
    });

    it.each([
      ['skip', ['enqueued', 'skipped', 'skipped'], 1],
      ['queue', ['enqueued', 'waiting', 'waiting'], 1],
      ['cancel', ['enqueued', 'enqueued', 'enqueued'], 1],
      ['allow', ['enqueued', 'enqueued', 'enqueued'], 3],
    ] as const)(
      'goes on while its queue is paused, and its jobs wait there: %s',
      async (overlap, made, live) => {
        await put('x', { overlap });
        expect(await test.storage.queues.pause('reports', true)).toBe(true);
        for (const ms of [30_000, 20_000, 10_000]) {
          await letPass('x', ms);
          await turn();
        }
        expect(await outcomes('x')).toEqual(made);
        expect(await test.database.query('select from simple_queue.ready')).toHaveLength(live);
        await test.storage.queues.pause('reports', false);
      },
    );

    it('ticks nothing while it is paused, and does not make up for it', async () => {
      await put('x');
      await schedulesOf().pause('x');
      await letPass('x', 2 * DAY_MS);
      await turn();
      expect(await jobs()).toHaveLength(0);
      await schedulesOf().resume('x');
      await turn();
      expect(await jobs()).toHaveLength(0);
      expect(await ticks('x')).toEqual([]);
    });

    it('ends at its end', async () => {
      await put('x', { endAt: new Date(Date.now() + 2 * HOUR_MS) });
      await test.database.query(
        `update simple_queue.schedule set spec = jsonb_set(spec, '{endAt}', to_jsonb($1::float8)), hash = 'ended'`,
        [Date.now()],
      );
      await letPass('x', 10);
      await turn();
      expect(await jobs()).toHaveLength(1);
      expect((await schedulesOf().find('x'))!.nextAt).toBeUndefined();
    });
  });
});
