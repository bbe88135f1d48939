import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const ODD_TIMES = [
  'infinity',
  '-infinity',
  '0044-03-15 BC',
  '0999-12-31',
  '10000-01-02',
  '294276-12-31',
];
/** Every time that is stored, of the tables that hold jobs, places and leases. */
const TIMES = [
  ...['created_at', 'run_at', 'cancel_at', 'commit_by'].map((column) => `job.${column}`),
  ...[
    'ready.run_at',
    'scheduled.run_at',
    'suspect.run_at',
    'fair_ready.run_at',
    ...['keyed.run_at', 'key_change.due_at', 'key_bucket.next_at'],
    'queue.paused_at',
    'head.dead_at',
    'head.dead_until',
  ],
  ...['lane.created_at', 'lane.unused_at', 'lane.served_at', 'lane.pulled_at', 'given_id.noted_at'],
  ...[
    'claim.created_at',
    'lease.created_at',
    'lease.expires_at',
    'lapsed.lapsed_at',
    'tally.expires_at',
    'tally.minute',
    'throttle.ends_at',
    'headroom.counted_at',
  ],
  ...['announced_at', 'created_at', 'paused_at', 'next_at', 'last_at'].map(
    (column) => `schedule.${column}`,
  ),
  ...['operator_action.at', 'operator_action.ended_at'],
  ...['tick.at', 'tick.made_at', 'step.ended_at', 'draft.run_at'],
  ...['created_at', 'deadline_at', 'ended_at', 'expires_at'].map((column) => `workflow.${column}`),
  ...['set_at', 'next_at', 'held_until'].map((column) => `fleet_limit.${column}`),
  ...['allotment.turn_at', 'allotment.expires_at'],
  ...['archive', 'dead_letter'].flatMap((table) =>
    ['created_at', 'run_at', 'finished_at', 'expires_at'].map((column) => `${table}.${column}`),
  ),
];
const AN_ENTRY = { attempt: 1, outcome: 'retried', at: '2026-11-21T03:16:10Z' };

describe('a row', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const set = async (column: string, value: unknown) => {
    const { id } = await test.rows.job();
    await test.database.query(`update simple_queue.job set ${column} = $2 where id = $1`, [
      id,
      value,
    ]);
  };

  it('holds no time in any column that JavaScript or the text order cannot hold', async () => {
    const columns = await test.database.query<{ name: string }>(
      `select c.relname || '.' || a.attname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'simple_queue'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'migration'
         and (select coalesce(nullif(t.typbasetype, 0), t.oid) from pg_type t where t.oid = a.atttypid) = 'timestamptz'::regtype order by 1`,
    );
    expect(columns.map(({ name }) => name)).toEqual(TIMES.toSorted());
    for (const odd of ODD_TIMES)
      await expect(
        test.database.query('select $1::simple_queue.moment', [odd]),
      ).rejects.toMatchObject({ code: '23514' });
    const unguarded = await test.database.query<{ name: string }>(
      `select c.relname || '.' || a.attname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'simple_queue'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.atttypid = 'timestamptz'::regtype`,
    );
    expect(unguarded.map(({ name }) => name).toSorted()).toEqual([
      'archive.expires_at',
      'dead_letter.expires_at',
      'tally.expires_at',
    ]);
  });

  it.each(['archive', 'dead_letter'])('of %s expires at a time', async (table) => {
    const state = table === 'archive' ? 'succeeded' : 'failed';
    for (const odd of ODD_TIMES)
      await expect(
        test.database.query(
          `insert into simple_queue.${table} (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
           values ($1, 0, $2, 1, 0, 1, 0, 0, now(), now(), now(), $3)`,
          [randomUUID(), state, odd],
        ),
      ).rejects.toMatchObject({ code: '23514' });
  });

  it.each([
    ...[['epoch', -1], ['epoch', 2_147_483_647], ['attempt', -1], ['attempt', 2_147_483_647], ['reschedules', 2_147_483_647]], // prettier-ignore
    ...[
      ['stalls', 32_767],
      ['stalls', -1],
      ['suspicion', 11],
      ['unique_key', ''],
      ['fingerprint', 'x'.repeat(513)],
    ],
    ...[5, 'text', true, []].map((value) => ['options', value]),
    ...[{ headers: [] }, { headers: { a: 1 } }, { headers: { a: ['b'] } }, { backoff: 5 }, { maxAttempts: '5' }].map((value) => ['options', value]), // prettier-ignore
    ...[{ maxAttempts: 0 }, { maxAttempts: 1e9 }, { timeoutMs: -1 }, { timeoutMs: 1e12 }, { extraAttempts: 1e6 }, { workflowId: 5 }, { group: {} }].map((value) => ['options', value]), // prettier-ignore
    ...[5, 'text', [], { name: 5 }, { message: {} }, { name: 'E', message: 'm', stack: 5 }].map(
      (value) => ['last_error', value],
    ),
    ...[5, 'text', {}, [5], [[AN_ENTRY]], [AN_ENTRY, null], [{ ...AN_ENTRY, at: 5 }], [{ ...AN_ENTRY, error: 'no' }], Array.from({ length: 101 }, () => AN_ENTRY)].map((value) => ['history', value]), // prettier-ignore
  ] as [string, unknown][])('holds no %s that nobody can read: %j', async (column, value) => {
    const given = ['options', 'last_error', 'history'].includes(column)
      ? JSON.stringify(value)
      : value;
    await expect(set(column, given)).rejects.toMatchObject({ code: '23514' });
  });

  it.each([
    ['a turn, and no group', 'seq = 1'],
    ['a fair share, and no group', 'fair = true'],
    ['a turn and a fair share', `group_name = 'g', seq = 1, fair = true`],
  ])('has not %s: no statement could place it', async (_what, assignments) => {
    const { id } = await test.rows.job();
    await expect(
      test.database.query(`update simple_queue.job set ${assignments} where id = $1`, [id]),
    ).rejects.toMatchObject({ code: '23514' });
  });

  it('holds what the library writes', async () => {
    await set('options', JSON.stringify({ headers: { a: 'b' }, backoff: { type: 'constant', delayMs: 1 }, maxAttempts: 5, timeoutMs: 1, extraAttempts: 3, workflowId: 'w', checkpoint: [1], group: '', ordered: true, fair: true })); // prettier-ignore
    await set('last_error', JSON.stringify({ name: 'E', message: 'm', stack: 's', code: 'c' }));
    await set(
      'history',
      JSON.stringify([{ ...AN_ENTRY, runMs: 1, worker: 'w', error: { name: 'E', message: 'm' } }]),
    );
  });

  it.each([
    ['queue', `'a b'`],
    ['queue', `E'a\\nb'`],
    ['queue', `E'\\u001b[31m'`],
    ['queue', `E'a\\u202e'`],
    ['queue', `'é'`],
    ['lane', `E'a\\r'`],
    ['lane', `E'\\u200b'`],
  ])('of %s has no name that could write lines of a log: %s', async (table, name) => {
    const { queueId } = await test.rows.lane();
    const columns =
      table === 'queue' ? `(name) values (${name})` : `(queue, name) values (${queueId}, ${name})`;
    await expect(
      test.database.query(`insert into simple_queue.${table} ${columns}`),
    ).rejects.toMatchObject({ code: '23514' });
  });

  it.each([
    `array['a', null]`,
    `array['a b']`,
    `array[E'a\\n']`,
    `array['']`,
    `array[repeat('x', 65)]`,
  ])('of a lane has no labels such as %s', async (labels) => {
    const { queueId } = await test.rows.lane();
    const insert = `insert into simple_queue.lane (queue, name, labels) values (${queueId}, 'odd', ${labels}::text[])`;
    await expect(test.database.query(insert)).rejects.toMatchObject({ code: '23514' });
  });

  describe('that came around the rules', () => {
    beforeAll(() =>
      test.database.query('alter domain simple_queue.moment drop constraint moment_check'),
    );
    afterEach(() => test.database.query('delete from simple_queue.job'));
    beforeEach(() => test.database.query('delete from simple_queue.scheduled'));
    afterEach(() => test.rows.clear());

    it.each(ODD_TIMES)('with %s for its time stops no promotion', async (odd) => {
      const due = await test.rows.job({ state: 'scheduled', due: '-1 minute' });
      const later = await test.rows.job({ state: 'scheduled', due: '1 hour' });
      const bad = await test.rows.job({ state: 'scheduled' });
      const staged = await test.rows.job({ state: 'scheduled', due: '2 hours' });
      await test.database.query(`update simple_queue.scheduled set run_at = $2 where id = $1`, [
        bad.id,
        odd,
      ]);
      await test.database.query(`update simple_queue.job set run_at = $2 where id = $1`, [
        bad.id,
        odd,
      ]);
      await test.database.query(`update simple_queue.job set commit_by = $2 where id = $1`, [
        staged.id,
        odd,
      ]);

      const promotion = await test.storage.claims.promote('-infinity', [due.lane]);

      expect(promotion.promoted).toBeGreaterThanOrEqual(1);
      expect(promotion.nextMs).toBeLessThanOrEqual(3_600_000);
      expect(await test.storage.jobs.find(due.id)).toMatchObject({ state: 'ready' });
      expect(await test.storage.jobs.find(later.id)).toMatchObject({ state: 'scheduled' });
    });

    it('and whose epoch cannot rise is poisoned by the reaper, and holds up none of its claim', async () => {
      await test.database.query('alter domain simple_queue.epoch drop constraint epoch_check');
      const lease = randomUUID();
      const well = await test.rows.job({ state: 'running', lease });
      const bad = await test.rows.job({ state: 'running', epoch: 2_147_483_647, lease });
      await test.database.query('delete from simple_queue.claim');
      await test.rows.claim([well, bad], lease);

      const keep = { '': 86_400_000 };
      await test.storage.leases.reapAll({
        maxStalls: 3,
        archive: keep,
        deadLetter: keep,
        onDeadJob: { '': 'block' },
      });

      expect(await test.storage.jobs.find(well.id)).toMatchObject({ state: 'ready' });
      expect(await test.storage.jobs.find(bad.id)).toMatchObject({ state: 'poisoned' });
    });
  });
});
