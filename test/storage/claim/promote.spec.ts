import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

describe('promoting', () => {
  let test: TestStorage;
  let claims: ClaimRepository;
  let jobs: FindRepository;

  beforeAll(async () => {
    test = await aStorage();
    ({ claims, jobs } = test.storage);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const promote = (since = '-infinity', lanes: number[] = []) => claims.promote(since, lanes);
  const stateOf = async (id: string) => (await jobs.find(id))?.state;

  it('makes due jobs ready, at a fresh time, and leaves those that are not due', async () => {
    const due = await test.rows.job({ state: 'scheduled', due: '-1 hour', priority: 4, epoch: 2 });
    const later = await test.rows.job({ state: 'scheduled', due: '1 hour' });
    const [{ now }] = (await test.database.query<{ now: Date }>('select now()')) as [{ now: Date }];

    const promotion = await promote();

    expect(promotion).toMatchObject({ promoted: 1, lanes: [due.lane] });
    expect([await stateOf(due.id), await stateOf(later.id)]).toEqual(['ready', 'scheduled']);
    expect((await jobs.find(due.id))!.runAt.getTime()).toBeGreaterThanOrEqual(now.getTime());
    expect(await test.database.query('select priority, epoch from simple_queue.ready')).toEqual([
      { priority: 4, epoch: 2 },
    ]);
  });

  it('tells in how many milliseconds the next one is due, or null', async () => {
    expect(await promote()).toMatchObject({ promoted: 0, nextMs: null, until: null });
    await test.rows.job({ state: 'scheduled', due: '10 minutes' });
    await test.rows.job({ state: 'scheduled', due: '5 minutes' });
    const { nextMs } = await promote();
    expect(nextMs).toBeGreaterThan(200_000);
    expect(nextMs).toBeLessThanOrEqual(300_000);
  });

  it('answers where it ended and starts behind that, so that dead entries are not walked again', async () => {
    await test.rows.job({ state: 'scheduled', due: '-1 minute' });
    const { until } = await promote();
    const late = await test.rows.job({ state: 'scheduled', due: '-1 hour' });

    expect(await promote(until!)).toMatchObject({ promoted: 0 });
    expect(await stateOf(late.id)).toBe('scheduled');
    expect(await promote()).toMatchObject({ promoted: 1 });
  });

  it('returns suspects among the scheduled to where suspects wait, and tells which wait in these lanes', async () => {
    const once = await test.rows.job({ state: 'scheduled', due: '-1 second', suspicion: 1 });
    expect((await promote('-infinity', [once.lane])).suspects).toBe(false);

    expect(await stateOf(once.id)).toBe('ready');
    expect(await promote('-infinity', [once.lane])).toMatchObject({ suspects: true, lone: false });
    const lone = await test.rows.job({ state: 'suspect', suspicion: 3, queue: 'pdf' });
    expect(await promote('-infinity', [once.lane, lone.lane])).toMatchObject({
      suspects: true,
      lone: true,
    });
    expect(await promote('-infinity', [lone.lane])).toMatchObject({ suspects: false, lone: true });
    expect(await promote('-infinity', [])).toMatchObject({ suspects: false, lone: false });
  });

  it('tells that there are other lanes than before: more, fewer, and one that was registered long before its commit', async () => {
    const told = [(await promote()).registry];
    const lane = await test.rows.lane('newest', 'one');
    told.push((await promote()).registry);
    await test.database.query(
      `update simple_queue.lane set created_at = created_at - interval '1 hour' where id = $1`,
      [lane.id],
    );
    expect((await promote()).registry).toBe(told.at(-1));
    await test.rows.lane('newest', 'two');
    told.push((await promote()).registry);
    await test.database.query(`delete from simple_queue.lane where id = $1`, [lane.id]);
    told.push((await promote()).registry);
    expect(new Set(told).size).toBe(4);
  });

  it('moves at most a thousand at once, oldest first', async () => {
    const { id: lane, queueId } = await test.rows.lane();
    await test.database.query(
      `with j as (insert into simple_queue.job (id, shard, lane, queue, run_at)
         select gen_random_uuid(), 0, $1, $2, timestamptz '2020-01-01' - n * interval '1 second' from generate_series(1, 1200) n returning *)
       insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch) select run_at, shard, id, lane, priority, epoch from j`,
      [lane, queueId],
    );
    expect((await promote()).promoted).toBe(1_000);
    const [rest] = await test.database.query<{ n: number; old: boolean }>(
      `select count(*)::int as n, bool_or(run_at < timestamptz '2020-01-01' - interval '200 seconds') as old from simple_queue.scheduled`,
    );
    expect(rest).toEqual({ n: 200, old: false });
    expect((await promote()).promoted).toBe(200);
  });

  it('passes jobs that a rival holds, and promotes each once', async () => {
    const rival = await Rival.connect(test.database);
    const held = await test.rows.job({ state: 'scheduled', due: '-1 minute' });
    const free = await test.rows.jobs(20, { state: 'scheduled', due: '-1 second' });
    await rival.begin();
    await rival.query('select from simple_queue.scheduled where id = $1 for update', [held.id]);

    const promotions = await Promise.all(Array.from({ length: 5 }, () => promote()));

    expect(promotions.reduce((sum, { promoted }) => sum + promoted, 0)).toBe(20);
    expect(await stateOf(held.id)).toBe('scheduled');
    expect(await stateOf(free[0]!.id)).toBe('ready');
    await rival.rollback();
    await rival.close();
  });

  it('knows whether anything of a lane runs or could run now', async () => {
    const later = await test.rows.job({ state: 'scheduled' });
    expect(await claims.hasDue([later.lane])).toBe(false);
    for (const [queue, state, due] of [
      ['a', 'ready', '-1 second'],
      ['b', 'suspect', '-1 second'],
      ['c', 'running', '-1 second'],
      ['d', 'scheduled', '-1 second'],
    ] as const) {
      const { lane } = await test.rows.job({ queue, state, due });
      expect(await claims.hasDue([later.lane, lane])).toBe(true);
    }
    expect(await claims.hasDue([later.lane])).toBe(false);
    expect(await claims.hasDue([])).toBe(false);
  });
});
