import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Janitor } from '../../lib/maintenance/janitor.js';
import type { JobEvents } from '../../lib/observability/events.js';
import type { PartitionedTable } from '../../lib/storage/partition.repository.js';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';

const DAY_MS = 86_400_000;

describe('the janitor', () => {
  let test: TestStorage;
  let warnings: JobEvents['warning'][];

  beforeAll(async () => {
    test = await aStorage();
    test.events.on('warning', (warning) => void warnings.push(warning));
  });
  beforeEach(async () => {
    warnings = [];
    await test.rows.clear();
    for (const table of ['archive', 'dead_letter'] as const)
      for (const name of await partitions(table)) await test.database.query(`drop table simple_queue.${name}`);
  });
  afterAll(() => test.close());

  const aJanitor = (keepDays: { archive?: number; deadLetter?: number } = {}) =>
    new Janitor(
      test.storage,
      {
        intervalMs: 1_000,
        keepMs: { archive: (keepDays.archive ?? 7) * DAY_MS, dead_letter: (keepDays.deadLetter ?? 30) * DAY_MS },
      },
      test.events,
    );
  const partitions = async (table: PartitionedTable) =>
    (await test.storage.partitions.list(table)).names.filter((name) => !name.endsWith('_default')).toSorted();
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
  const count = async (table: string) => (await test.database.query(`select from simple_queue.${table}`)).length;

  it('makes the partitions that rows will need, ahead of time, and tells when to come again', async () => {
    const restMs = await aJanitor().clean();

    expect(await partitions('archive')).toHaveLength(9);
    expect(await partitions('dead_letter')).toHaveLength(7);
    expect(await anEndedJob('7 days')).toMatch(/^archive_p\d{8}$/);
    expect(await anEndedJob('30 days', 'failed')).toMatch(/^dead_letter_p\d{8}$/);
    expect(restMs).toBeGreaterThanOrEqual(800);
    expect(restMs).toBeLessThanOrEqual(1_200);
    expect(warnings).toEqual([]);
  });

  it('changes nothing when everything is there', async () => {
    await aJanitor().clean();
    const before = await partitions('archive');
    await aJanitor().clean();
    expect(await partitions('archive')).toEqual(before);
  });

  it('attaches partitions that have the keys of their parent', async () => {
    await aJanitor().clean();
    const [name] = await partitions('archive');
    const keys = await test.database.query(
      `select from pg_index where indrelid = $1::regclass and indisprimary and exists (select from pg_inherits where inhrelid = indexrelid)`,
      [`simple_queue.${name}`],
    );
    expect(keys).toHaveLength(1);
  });

  it('drops partitions when all of their rows have expired, and no other table', async () => {
    await aJanitor().clean();
    const now = await partitions('archive');
    const repository = test.storage.partitions;
    await repository.create('archive', 'archive_p20010101');
    await test.database.query('create table simple_queue.archive_p20010102 (of text)');

    await aJanitor().clean();

    expect(await partitions('archive')).toEqual(now);
    expect(await test.database.query(`select to_regclass('simple_queue.archive_p20010102') as kept`)).not.toEqual([
      { kept: null },
    ]);
    await test.database.query('drop table simple_queue.archive_p20010102');
  });

  it('puts what is kept longer than partitions reach into the default partition', async () => {
    await aJanitor({ archive: 400 }).clean();
    expect(await partitions('archive')).toHaveLength(100);
    expect(await anEndedJob('400 days')).toBe('archive_default');
    expect(await anEndedJob('90 days')).toMatch(/^archive_p/);
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

    await aJanitor().clean();

    expect([await count('archive'), await count('dead_letter')]).toEqual([1, 1]);
  });

  it('is only postponed by whoever reads the archive', async () => {
    const rival = await Rival.connect(test.database);
    await test.storage.partitions.create('archive', 'archive_p20010101');
    await rival.begin();
    await rival.query('select from simple_queue.archive');
    const janitor = aJanitor();

    await janitor.clean();
    await janitor.clean();
    await rival.rollback();
    await rival.close();

    expect(await partitions('archive')).toEqual(['archive_p20010101']);
    expect(await partitions('dead_letter')).toHaveLength(7);
    expect(warnings.map((warning) => warning.code)).toContain('PARTITION');
    expect(new Set(warnings.map((warning) => warning.message)).size).toBe(warnings.length);
    await janitor.clean();
    expect(await partitions('archive')).toHaveLength(9);
  });

  it('leaves rows that came before their partition in the default one, says so once, and goes on', async () => {
    expect(await anEndedJob('1 day')).toBe('archive_default');
    const janitor = aJanitor();

    await janitor.clean();
    await janitor.clean();

    expect(await partitions('archive')).toHaveLength(8);
    expect(await partitions('dead_letter')).toHaveLength(7);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: 'PARTITION', message: expect.stringMatching(/archive_p\d{8}/) });
  });

  it('shares the work with others that come at the same time', async () => {
    await test.storage.partitions.create('archive', 'archive_p20010101');
    await Promise.all(Array.from({ length: 4 }, () => aJanitor().clean()));
    await aJanitor().clean();
    expect(await partitions('archive')).toHaveLength(9);
    expect(await partitions('dead_letter')).toHaveLength(7);
    expect(warnings).toEqual([]);
  });

  it('finds done what another process did since it looked', async () => {
    const { partitions: repository } = test.storage;
    await repository.create('archive', 'archive_p20010101');
    expect(await repository.create('archive', 'archive_p20010101')).toBe(true);
    expect(await repository.drop('archive', 'archive_p20010101')).toBe(true);
    expect(await repository.drop('archive', 'archive_p20010101')).toBe(true);
    expect(await partitions('archive')).toEqual([]);
  });

  it('purges the periods of throttled keys that are over, and no others', async () => {
    await test.database.query(
      `insert into simple_queue.throttle (unique_key, shard, queue, job, ends_at)
       select 'key-' || n, 0, 1, gen_random_uuid(), now() + case when n <= 1500 then -1 else 1 end * interval '1 hour' from generate_series(1, 1600) n`,
    );
    await aJanitor().clean();
    expect(await count('throttle')).toBe(100);
  });

  it('says once that it may not change tables, and goes on purging', async () => {
    const { partitions: repository } = test.storage;
    const refused = Object.assign(Object.create(repository) as typeof repository, {
      create: () => repository.drop('archive', 'archive_p20010101').then(() => Promise.reject(denied)),
    });
    const { DatabaseError } = await import('../../lib/storage/database-errors.js');
    const denied = new DatabaseError('run ""', Object.assign(new Error('permission denied'), { code: '42501' }));
    await anEndedJob('-400 days');
    const keepMs = { archive: DAY_MS, dead_letter: DAY_MS };
    const janitor = new Janitor({ ...test.storage, partitions: refused }, { intervalMs: 1, keepMs }, test.events);
    await janitor.clean();
    await janitor.clean();
    expect(warnings).toHaveLength(2);
    expect(await count('archive')).toBe(0);
  });
});
