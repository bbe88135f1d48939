import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Janitor } from '../../lib/maintenance/janitor.js';
import type { QueueEvents } from '../../lib/observability/events.js';
import {
  expiredPartitions,
  missingPartitions,
  type PartitionedTable,
} from '../../lib/storage/schema/partition.repository.js';
import type { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import type { Storage } from '../../lib/storage/storage.js';
import { eventually } from '../support/eventually.js';
import { aSite } from '../support/site.js';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 28, 9);
const dayOf = (day: number): string =>
  new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');

describe('the janitor', () => {
  let test: TestStorage;
  let warnings: QueueEvents['warning'][];

  beforeAll(async () => {
    test = await aStorage();
    test.events.on('warning', (warning) => void warnings.push(warning));
  });
  beforeEach(async () => {
    warnings = [];
    await test.rows.clear();
    for (const table of ['archive', 'dead_letter'] as const)
      for (const name of await partitions(table))
        await test.database.query(`drop table simple_queue.${name}`);
  });
  afterAll(() => test.close());

  const aJanitor = (keepDays: { archive?: number; deadLetter?: number } = {}) =>
    new Janitor(
      aSite(test, {
        janitorIntervalMs: 1_000,
        archive: { keepMs: (keepDays.archive ?? 7) * DAY_MS },
        deadLetter: { keepMs: (keepDays.deadLetter ?? 30) * DAY_MS },
      }),
    );
  /** One that nothing is refused: a machine that stops for half a second, or autovacuum, makes it leave a partition to the next. */
  const aRound = (keepDays?: Parameters<typeof aJanitor>[0]) =>
    eventually(async () => {
      warnings = [];
      const restMs = await aJanitor(keepDays).round();
      expect(warnings).toEqual([]);
      return restMs;
    });
  const aPartitionLongAgo = () =>
    eventually(() => test.storage.partitions.create('archive', 'archive_p20010101'));
  const partitions = async (table: PartitionedTable) =>
    (await test.storage.partitions.list(table)).names
      .filter((name) => !name.endsWith('_default'))
      .toSorted();
  const anEndedJob = async (expiry: string, state = 'succeeded') => {
    const table = state === 'succeeded' ? 'archive' : 'dead_letter';
    const { id } = await test.rows.lane();
    const [row] = await test.database.query<{ at: string }>(
      `insert into simple_queue.${table} (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       values (gen_random_uuid(), 0, $1, $2, 0, 1, 0, 0, now(), now(), now(), now() + $3::interval) returning tableoid::regclass::text as at`,
      [state, id, expiry],
    );
    return row!.at.replace('simple_queue.', '');
  };
  const count = async (table: string) =>
    (await test.database.query(`select from simple_queue.${table}`)).length;

  it.each(['archive', 'dead_letter', 'tally'] as const)(
    'makes the default partition of %s again that somebody has dropped or detached',
    async (table) => {
      const indexes = async () =>
        (
          await test.database.query<{ name: string }>(
            `select indexname as name from pg_indexes where tablename = '${table}_default' order by name`,
          )
        ).length;
      const before = await indexes();
      await test.database.query(`drop table simple_queue.${table}_default`);
      await aRound();
      const { names } = await test.storage.partitions.list(table);
      expect(names).toContain(`${table}_default`);
      expect(await indexes()).toBe(before);

      await test.database.query(
        `alter table simple_queue.${table} detach partition simple_queue.${table}_default`,
      );
      await aRound();
      expect((await test.storage.partitions.list(table)).names.toSorted()).toEqual(
        names.toSorted(),
      );
      expect(await indexes()).toBe(before);
    },
  );

  it('attaches a partition again that somebody has detached, with what lies there', async () => {
    await aRound();
    const name = await anEndedJob('7 days');
    const rows = await count(name);
    await test.database.query(`alter table simple_queue.archive detach partition simple_queue.${name}`); // prettier-ignore
    await anEndedJob('7 days');
    await aRound();
    expect(await partitions('archive')).toContain(name);
    expect([await count(name), await count('archive_default')]).toEqual([rows + 1, 0]);
  });

  it('makes the partitions that rows will need, ahead of time, and tells when to come again', async () => {
    const restMs = await aRound();

    expect(await partitions('archive')).toHaveLength(9);
    expect(await partitions('dead_letter')).toHaveLength(7);
    expect(await anEndedJob('7 days')).toMatch(/^archive_p\d{8}$/);
    expect(await anEndedJob('30 days', 'failed')).toMatch(/^dead_letter_p\d{8}$/);
    expect(restMs).toBeGreaterThanOrEqual(800);
    expect(restMs).toBeLessThanOrEqual(1_200);
  });

  it('changes nothing when everything is there', async () => {
    await aRound();
    const before = await partitions('archive');
    await aRound();
    expect(await partitions('archive')).toEqual(before);
  });

  it('attaches partitions that have the keys of their parent', async () => {
    await aRound();
    const [name] = await partitions('archive');
    const keys = await test.database.query(
      `select from pg_index where indrelid = $1::regclass and indisprimary and exists (select from pg_inherits where inhrelid = indexrelid)`,
      [`simple_queue.${name}`],
    );
    expect(keys).toHaveLength(1);
  });

  it('drops partitions when all of their rows have expired, and no other table', async () => {
    await aRound();
    const now = await partitions('archive');
    await aPartitionLongAgo();
    await test.database.query('create table simple_queue.archive_p20010102 (of text)');

    await aRound();

    expect(await partitions('archive')).toEqual(now);
    expect(
      await test.database.query(`select to_regclass('simple_queue.archive_p20010102') as kept`),
    ).not.toEqual([{ kept: null }]);
    await test.database.query('drop table simple_queue.archive_p20010102');
  });

  it.each([90, 400, 3_650])(
    'makes at most 50 partitions for what is kept %i days, none of it in the default one',
    async (days) => {
      await aRound({ archive: days });
      const made = await partitions('archive');
      expect(made.length).toBeGreaterThan(25);
      expect(made.length).toBeLessThanOrEqual(50);
      for (const part of [0, 0.3, 1])
        expect(await anEndedJob(`${Math.floor(part * days)} days`)).toMatch(/^archive_p/);
      await aRound({ archive: days });
      expect(await partitions('archive')).toEqual(made);
    },
  );

  it.each([7, 48, 49, 400, 3_650])(
    'keeps to 50 partitions beside the first ones, for %i days, whatever day it is',
    (days) => {
      for (const [table, from, count] of [
        ['archive', 1, 9],
        ['dead_letter', 7, 6],
      ] as const) {
        const names = new Set([`${table}_default`]);
        for (let n = 0; n < count; n++)
          names.add(`${table}_p${dayOf(Math.floor(START / DAY_MS / from) * from + n * from)}`);
        for (let day = 0; day < 1_000; day += 1 + (day % 5)) {
          const now = new Date(START + day * DAY_MS);
          for (const name of expiredPartitions(table, { now, names: [...names] }))
            names.delete(name);
          for (const name of missingPartitions(table, { now, names: [...names] }, days * DAY_MS))
            names.add(name);
          expect(names.size - 1).toBeLessThanOrEqual(50);
          expect(missingPartitions(table, { now, names: [...names] }, days * DAY_MS)).toEqual([]);
        }
      }
    },
  );

  it('makes those first in which what ends now will lie', async () => {
    const { partitions } = test.storage;
    const created = jest.spyOn(partitions, 'create');
    await aRound({ archive: 3_650, deadLetter: 3_650 });
    const names = created.mock.calls.map(([, name]) => name);
    created.mockRestore();
    expect(names.slice(0, 2)).toEqual([
      await anEndedJob('3650 days'),
      await anEndedJob('3650 days', 'failed'),
    ]);
  });

  it('fills the gaps between partitions of another width', async () => {
    await aRound({ archive: 400 });
    const [, second] = await partitions('archive');
    await test.database.query(`drop table simple_queue.${second}`);
    await aRound({ archive: 20 });
    for (let day = 0; day <= 399; day += 3)
      expect(await anEndedJob(`${day} days`)).toMatch(/^archive_p/);
  });

  it('purges what has expired in the default partitions, in batches, and nothing else', async () => {
    const { id } = await test.rows.lane();
    await test.database.query(
      `insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       select gen_random_uuid(), 0, 'succeeded', $1, 0, 1, 0, 0, now(), now(), now(), now() - interval '1 year' from generate_series(1, 2500)`,
      [id],
    );
    await anEndedJob('400 days');
    await anEndedJob('-400 days', 'failed');
    await anEndedJob('4000 days', 'failed');

    await aJanitor().round();

    expect([await count('archive'), await count('dead_letter')]).toEqual([1, 1]);
  });

  it('is only postponed by whoever reads the archive', async () => {
    const rival = await Rival.connect(test.database);
    await aPartitionLongAgo();
    await rival.begin();
    await rival.query('select from simple_queue.archive');
    const janitor = aJanitor();

    await janitor.round();
    await eventually(async () => {
      await janitor.round();
      expect(await partitions('dead_letter')).toHaveLength(7);
    });
    await rival.rollback();
    await rival.close();

    expect(await partitions('archive')).toEqual(['archive_p20010101']);
    expect(warnings.map((warning) => warning.code)).toContain('PARTITION');
    expect(new Set(warnings.map((warning) => warning.message)).size).toBe(warnings.length);
    await eventually(async () => {
      await janitor.round();
      expect(await partitions('archive')).toHaveLength(9);
    });
  });

  it('takes rows along that came before their partition', async () => {
    expect(await anEndedJob('1 day')).toBe('archive_default');
    await aRound();
    expect(await partitions('archive')).toHaveLength(9);
    expect([await count('archive_default'), await count('archive')]).toEqual([0, 1]);
  });

  it('leaves rows that are too many to be taken along, says so once, and tries ever more rarely', async () => {
    const { id } = await test.rows.lane();
    await test.database.query(
      `insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       select gen_random_uuid(), 0, 'succeeded', $1, 0, 1, 0, 0, now(), now(), now(), now() + interval '1 day' from generate_series(1, 10001)`,
      [id],
    );
    const create = jest.spyOn(test.storage.partitions, 'create');
    const janitor = aJanitor();
    for (let round = 0; round < 40; round++) await janitor.round();
    const tried = create.mock.calls.map(([, name]) => name);
    create.mockRestore();

    const again = tried.filter((name) => tried.indexOf(name) !== tried.lastIndexOf(name));
    const late = warnings.filter(({ message }) => /55P03|57014/.test(message));
    expect(new Set(again).size).toBeLessThanOrEqual(1 + late.length);
    expect(again.length).toBeLessThan(10 * (1 + late.length));
    expect(await count('archive_default')).toBe(10_001);
    const said = { code: 'PARTITION', message: expect.stringMatching(/archive_p\d{8}/) };
    expect(warnings.filter((warning) => !late.includes(warning))).toMatchObject([said]);
  });

  it('lets expired rows go where somebody always reads, without a lock of the table, and asks for it ever more rarely', async () => {
    const rival = await Rival.connect(test.database);
    await aRound();
    await aPartitionLongAgo();
    const { id } = await test.rows.lane();
    await test.database.query(
      `insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       select gen_random_uuid(), 0, 'succeeded', $1, 0, 1, 0, 0, now(), now(), now(), '2001-01-01 12:00+00' from generate_series(1, 2500)`,
      [id],
    );
    await rival.begin();
    await rival.query('select from simple_queue.archive');
    const drop = jest.spyOn(test.storage.partitions, 'drop');
    const janitor = aJanitor();
    for (let round = 0; round < 30; round++) await janitor.round();

    expect(await count('archive')).toBe(0);
    expect(drop.mock.calls.length).toBeLessThan(10);
    drop.mockRestore();
    await rival.rollback();
    await rival.close();
    // Autovacuum may hold it for longer than a drop waits.
    await eventually(async () => {
      await aJanitor().round();
      expect(await partitions('archive')).not.toContain('archive_p20010101');
    });
  });

  it('goes on with everything else while somebody holds a table', async () => {
    const rival = await Rival.connect(test.database);
    await aRound();
    await aPartitionLongAgo();
    await test.database.query(
      `insert into simple_queue.tick (schedule, shard, at, made_at, outcome) values ('often', 0, now(), now() - interval '9 days', 'enqueued')`,
    );
    await rival.begin();
    await rival.query(
      'lock table simple_queue.archive_p20010101, simple_queue.dead_letter_default, simple_queue.throttle in access exclusive mode',
    );
    const round = aJanitor().round();
    await expect(round).rejects.toMatchObject({ sqlState: '55P03' });
    await rival.rollback();
    await rival.close();
    expect(await count('tick')).toBe(0);
    const held = ['archive_expired', 'archive_p20010101', 'dead_letter_default'];
    expect(warnings.map(({ message }) => held.findIndex((name) => message.includes(`"${name}"`)))).toEqual([0, 1, 2]); // prettier-ignore
  });

  it.each(['key_change', 'vacant', 'head'])(
    'looks at lanes also while somebody holds %s',
    async (table) => {
      await test.rows.lane('unused', 'unused');
      await test.database.query(`update simple_queue.lane set created_at = now() - interval '9 days', unused_at = null where name = 'unused'`); // prettier-ignore
      await aRound();
      await test.database.query(`update simple_queue.lane set unused_at = null`);
      const rival = await Rival.connect(test.database);
      await rival.begin();
      await rival.query(`lock table simple_queue.${table} in access exclusive mode`);
      await expect(aJanitor().round()).rejects.toMatchObject({ sqlState: '55P03' });
      await rival.rollback();
      await rival.close();
      expect(await test.database.query(`select from simple_queue.lane where name = 'unused' and unused_at is not null`)).toHaveLength(1); // prettier-ignore
    },
  );

  it('comes again soon where a round could not purge everything', async () => {
    const janitor = aJanitor();
    const purge = jest.spyOn(test.storage.partitions, 'purgeDefault').mockResolvedValue(1_000);
    Object.assign(janitor, {
      rules: { intervalMs: 60_000, keepMs: { archive: DAY_MS, dead_letter: DAY_MS } },
    });
    expect(await janitor.round()).toBeLessThanOrEqual(1_200);
    purge.mockRestore();
    expect(await janitor.round()).toBeGreaterThanOrEqual(48_000);
  });

  it('shares the work with others that come at the same time', async () => {
    await aPartitionLongAgo();
    // On a busy machine one may hold a lock for longer than another waits, which says so and comes again.
    const rounds = Array.from({ length: 4 }, () => aJanitor().round());
    for (const { reason } of (await Promise.allSettled(rounds)) as Partial<PromiseRejectedResult>[])
      expect((reason as DatabaseError | undefined)?.sqlState ?? '55P03').toMatch(/55P03|57014/);
    expect(warnings.filter(({ message }) => !/55P03|57014/.test(message))).toEqual([]);
    await aRound();
    expect(await partitions('archive')).toHaveLength(9);
    expect(await partitions('dead_letter')).toHaveLength(7);
  });

  it('finds done what another process did since it looked', async () => {
    const { partitions: repository } = test.storage;
    await repository.create('archive', 'archive_p20010101');
    expect(await repository.create('archive', 'archive_p20010101')).toBe(true);
    expect(await repository.drop('archive', ['archive_p20010101'])).toBe(true);
    expect(await repository.drop('archive', ['archive_p20010101'])).toBe(true);
    expect(await partitions('archive')).toEqual([]);
  });

  it('purges the periods of throttled keys that are over, and no others', async () => {
    await test.database.query(
      `insert into simple_queue.throttle (unique_key, shard, queue, job, ends_at)
       select 'key-' || n, 0, 1, gen_random_uuid(), now() + case when n <= 1500 then -1 else 1 end * interval '1 hour' from generate_series(1, 1600) n`,
    );
    await aJanitor().round();
    expect(await count('throttle')).toBe(100);
  });

  it('purges the ticks of schedules that were kept as long as the archive, and none that waits', async () => {
    await test.database.query(
      `insert into simple_queue.tick (schedule, shard, at, made_at, outcome)
       select 'often', 0, now() - n * interval '1 second', now() - case when n <= 1500 then 9 else 0 end * interval '1 day',
         case when n % 100 = 0 then 'waiting' else 'enqueued' end from generate_series(1, 1600) n`,
    );
    await aJanitor().round();
    expect(await count('tick')).toBe(115);
    await test.database.query('truncate simple_queue.tick');
  });

  it('purges the rests of queues without a limit that are over, and no other limit', async () => {
    const { limits } = test.storage;
    await limits.declare({ name: 'declared', ofQueue: true, concurrency: 1 });
    for (const name of ['declared', 'over', 'rests']) await limits.hold(name, true, 60_000);
    await test.database.query(`update simple_queue.fleet_limit set held_until = now() - interval '2 minutes' where name <> 'rests'`); // prettier-ignore
    await aRound();
    expect((await limits.list()).map(({ name }) => name)).toEqual(['declared', 'rests']);
  });

  it('purges acts of operators that are older than 90 days, or beyond the newest 50,000', async () => {
    const acts = (from: number, to: number, at: string) =>
      test.database
        .query(`insert into simple_queue.operator_action (id, shard, at, actor, action, selector)
        select gen_random_uuid(), 0, ${at}, 'ada', 'pause', '{}' from generate_series(${from}, ${to}) n`);
    await acts(1, 1_500, `now() - interval '91 days'`);
    await acts(1, 51_000, `now() - n * interval '1 second'`);
    await aJanitor().round();
    expect(await count('operator_action')).toBe(50_001);
  });

  it('says once that it may not change tables, and goes on purging', async () => {
    const { partitions: repository } = test.storage;
    const refused = Object.assign(Object.create(repository) as typeof repository, {
      create: () =>
        repository.drop('archive', ['archive_p20010101']).then(() => Promise.reject(denied)),
    });
    const { DatabaseError } = await import('../../lib/storage/connection/database-errors.js');
    const denied = new DatabaseError(
      'run ""',
      Object.assign(new Error('permission denied'), { code: '42501' }),
    );
    await anEndedJob('-400 days');
    const storage = Object.assign(Object.create(test.storage) as Storage, { partitions: refused });
    const janitor = new Janitor({
      ...aSite(test, { archive: { keepMs: DAY_MS }, deadLetter: { keepMs: DAY_MS } }),
      storage,
    });
    await janitor.round();
    await janitor.round();
    expect(warnings).toHaveLength(2);
    expect(await count('archive')).toBe(0);
  });
});
