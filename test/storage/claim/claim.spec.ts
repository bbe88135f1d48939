import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ClaimRange,
  type ClaimWish,
  ClaimRepository,
} from '../../../lib/storage/claim/claim.repository.js';
import { explaining, withoutAutovacuum } from '../../support/plans.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const EVERYWHERE: ClaimRange = {
  priority: -32_768,
  runAt: '-infinity',
  id: FIRST_ID,
  upto: 32_767,
};

describe('settle-and-claim, claiming', () => {
  let test: TestStorage;
  let claims: ClaimRepository;

  beforeAll(async () => {
    test = await aStorage();
    await withoutAutovacuum(test.database);
    claims = test.storage.claims;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const wishFor = (lane: number, wanted: number, ...ranges: ClaimRange[]): ClaimWish => ({
    claimId: randomUUID(),
    lease: randomUUID(),
    lanes: [{ lane, wanted, ranges: ranges.length > 0 ? ranges : [EVERYWHERE] }],
    limit: wanted,
  });
  const claim = async (wish: ClaimWish) =>
    (await claims.settleAndClaim('worker-9', [], [], wish)).jobs;
  const idsOf = (rows: { id: string }[]) => rows.map((row) => row.id);

  it('takes jobs by priority, then time, then id, and writes them down as one claim of the lease', async () => {
    const [second, third] = ['a', 'b'].map(
      (digit) => digit.repeat(8) + '-0000-7000-8000-000000000000',
    ) as [string, string];
    const last = await test.rows.job({ priority: 5, due: '-1 hour' });
    await test.rows.job({ id: second });
    const fourth = await test.rows.job({ due: '-1 millisecond' });
    await test.rows.job({ id: third });
    await test.database.query(
      `update simple_queue.job set run_at = (select max(run_at) from simple_queue.job where id <> $1) - interval '1 hour' where id in ($2, $3)`,
      [last.id, second, third],
    );
    await test.database.query(
      'update simple_queue.ready r set run_at = j.run_at from simple_queue.job j where j.id = r.id',
    );
    const first = await test.rows.job({ priority: -3 });
    const wish = wishFor(first.lane, 10);

    const rows = await claim(wish);

    expect(idsOf(rows)).toEqual([first.id, second, third, fourth.id, last.id]);
    const [written] = await test.database.query<{ jobs: string[]; lease: string; id: string }>(
      'select * from simple_queue.claim',
    );
    expect(written).toMatchObject({ id: wish.claimId, lease: wish.lease });
    expect(written!.jobs.toSorted()).toEqual(idsOf(rows).toSorted());
  });

  it('answers with all that the worker needs of a job', async () => {
    const job = await test.rows.job({
      ...{ epoch: 4, priority: 2, attempt: 1, stalls: 2, reschedules: 3, cancelRequested: true },
      ...{ uniqueKey: 'key', fingerprint: 'tag', payload: { n: 9 } },
    });
    await test.database.query(
      `update simple_queue.job set payload_bytes = '\\xff00', options = '{"maxAttempts":7}'`,
    );

    const [row] = await claim(wishFor(job.lane, 1));

    expect(row).toMatchObject({
      id: job.id,
      lane: job.lane,
      epoch: 4,
      priority: 2,
      spent: 1,
      stalls: 2,
      reschedules: 3,
    });
    expect(row).toMatchObject({
      cancelled: true,
      suspicion: 0,
      uniqueKey: 'key',
      fingerprint: 'tag',
      payload: '{"n":9}',
    });
    expect(row).toMatchObject({
      payloadBytes: '\\xff00',
      options: '{"maxAttempts": 7}',
      lastError: null,
    });
  });

  it('takes no more of a lane than is wanted, and no more of all than the limit', async () => {
    const mail = await test.rows.jobs(3, { queue: 'mail' });
    const pdf = await test.rows.jobs(3, { queue: 'pdf' });
    const lanes = [mail[0]!.lane, pdf[0]!.lane].map((lane) => ({
      lane,
      wanted: 2,
      ranges: [EVERYWHERE],
    }));
    const wish = { claimId: randomUUID(), lease: randomUUID(), lanes, limit: 3 };

    const rows = await claim(wish);

    expect(rows).toHaveLength(3);
    expect(rows.filter((row) => row.lane === mail[0]!.lane).length).toBeLessThanOrEqual(2);
    expect(rows.filter((row) => row.lane === pdf[0]!.lane).length).toBeLessThanOrEqual(2);
  });

  it('takes nothing of lanes that were not asked for', async () => {
    await test.rows.job({ queue: 'mail', name: 'other' });
    const asked = await test.rows.lane('mail', 'mine');
    expect(await claim(wishFor(asked.id, 5))).toEqual([]);
    expect(await test.database.query('select from simple_queue.claim')).toEqual([]);
  });

  it('starts behind the hint, key by key, and leaves what lies in front of it', async () => {
    const seen = await test.rows.job({ due: '-1 hour' });
    const fresh = await test.rows.job({ due: '-1 minute' });
    const [key] = await test.database.query<{ at: string }>(
      'select run_at::text as at from simple_queue.ready where id = $1',
      [seen.id],
    );

    const rows = await claim(
      wishFor(seen.lane, 5, { priority: 0, runAt: key!.at, id: seen.id, upto: 32_767 }),
    );

    expect(idsOf(rows)).toEqual([fresh.id]);
    expect(idsOf(await claim(wishFor(seen.lane, 5)))).toEqual([seen.id]);
  });

  it('goes through the ranges of a lane in their order and up to their priority', async () => {
    const urgent = await test.rows.job({ priority: -5 });
    const normal = await test.rows.job({ priority: 0 });
    const between = await test.rows.job({ priority: 1 });
    const low = await test.rows.job({ priority: 9 });
    const ranges = [
      { ...EVERYWHERE, upto: -1 },
      { ...EVERYWHERE, priority: 0, upto: 0 },
      { ...EVERYWHERE, priority: 9, upto: 32_767 },
    ];

    expect(idsOf(await claim(wishFor(urgent.lane, 2, ...ranges)))).toEqual([urgent.id, normal.id]);
    expect(idsOf(await claim(wishFor(urgent.lane, 5, ...ranges)))).toEqual([low.id]);
    expect(idsOf(await claim(wishFor(urgent.lane, 5)))).toEqual([between.id]);
  });

  it('gives each lane the ranges of its own', async () => {
    const old = await test.rows.job({ queue: 'mail', due: '-1 hour' });
    const other = await test.rows.job({ queue: 'pdf', due: '-1 hour' });
    const behind = { priority: 0, runAt: new Date().toISOString(), id: FIRST_ID, upto: 32_767 };
    const lanes = [
      { lane: old.lane, wanted: 5, ranges: [behind] },
      { lane: other.lane, wanted: 5, ranges: [behind, EVERYWHERE] },
    ];

    const rows = await claim({ claimId: randomUUID(), lease: randomUUID(), lanes, limit: 10 });

    expect(idsOf(rows)).toEqual([other.id]);
  });

  it('is not slower beside N pollers: it passes what they hold, waits for nobody, and is filled up all the same', async () => {
    const rival = await Rival.connect(test.database);
    const held = await test.rows.jobs(3, { due: '-1 hour' });
    const free = await test.rows.jobs(3);
    const { lane } = free[0]!;
    await rival.begin();
    await rival.query('select from simple_queue.ready where id = any($1) for update', [
      idsOf(held),
    ]);

    expect(idsOf(await claim(wishFor(lane, 3))).toSorted()).toEqual(idsOf(free).toSorted());

    await rival.rollback();
    await rival.close();
    expect(idsOf(await claim(wishFor(lane, 5))).toSorted()).toEqual(idsOf(held).toSorted());
  });

  it('hands each job to exactly one of many claims at once', async () => {
    const { id: lane } = await test.rows.lane();
    await test.database.query(
      `with j as (insert into simple_queue.job (id, shard, lane, queue, run_at) select gen_random_uuid(), 0, $1, 1, now() from generate_series(1, 600)
        returning *) insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, shard, priority, run_at, id, epoch from j`,
      [lane],
    );

    const claims = await Promise.all(Array.from({ length: 40 }, () => claim(wishFor(lane, 20))));
    const rest = await claim(wishFor(lane, 600));

    const taken = [...claims.flat(), ...rest].map((row) => row.id);
    expect(taken).toHaveLength(600);
    expect(new Set(taken).size).toBe(600);
  });

  it('claims what the settled job made room for, in the same statement', async () => {
    const done = await test.rows.job({ state: 'running' });
    const next = await test.rows.job();
    const success = { id: done.id, epoch: 0, runMs: 1, keepMs: undefined, output: undefined };

    const claimed = await claims.settleAndClaim(
      'worker-9',
      [success],
      [done.claim],
      wishFor(next.lane, 1),
    );

    expect(idsOf(claimed.jobs)).toEqual([next.id]);
    expect(claimed.lost).toEqual([]);
  });

  it('never sees suspects or scheduled jobs', async () => {
    const { lane } = await test.rows.job({ state: 'suspect' });
    await test.rows.job({ state: 'scheduled', due: '-1 hour' });
    expect(await claim(wishFor(lane, 10))).toEqual([]);
  });

  it('is not slowed by 200,000 future jobs: it does not read them', async () => {
    const { id: lane } = await test.rows.lane();
    const { database, costs } = explaining(test.storage.database);
    const look = () =>
      new ClaimRepository(database).settleAndClaim('worker-9', [], [], wishFor(lane, 100));
    await look();
    // Their places alone: a claim that looked at them would have to read these.
    await test.database.query(
      `insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
        select now() + n * interval '1 second', 0, gen_random_uuid(), $1, 0, 0 from generate_series(1, 200000) n`,
      [lane],
    );

    await look();
    await test.database.query('truncate simple_queue.scheduled');

    expect(costs).toHaveLength(2);
    // They fill a thousand pages. A few more are the planner's, who asks the larger index for its ends on PostgreSQL 13.
    expect(costs[1]!.blocks).toBeLessThanOrEqual(costs[0]!.blocks + 50);
  });

  describe('of suspects', () => {
    const suspects = (lanes: number[], alone: boolean, limit: number) =>
      claims.claimSuspects(randomUUID(), randomUUID(), lanes, { alone, limit });

    it('takes those that run apart, or those that run alone, the least suspected and oldest first, at most as many as it may', async () => {
      const lone = await test.rows.job({ state: 'suspect', suspicion: 3 });
      const twice = await test.rows.job({
        state: 'suspect',
        suspicion: 2,
        due: '-9 hours',
        queue: 'pdf',
      });
      const young = await test.rows.job({ state: 'suspect', due: '-1 minute' });
      const old = await test.rows.job({ state: 'suspect', due: '-1 hour', queue: 'pdf' });
      const older = await test.rows.job({ state: 'suspect', due: '-2 hours', queue: 'pdf' });
      await test.rows.job({ state: 'suspect', queue: 'others' });

      const lanes = [young.lane, old.lane];
      expect(idsOf(await suspects([old.lane], false, 1))).toEqual([older.id]);
      expect(idsOf(await suspects(lanes, false, 5)).toSorted()).toEqual(
        [young.id, old.id, twice.id].toSorted(),
      );
      expect(await suspects(lanes, true, 5)).toMatchObject([{ id: lone.id, suspicion: 3 }]);
      expect(await suspects(lanes, true, 5)).toEqual([]);
    });

    it('never takes more than one lone job over all lanes', async () => {
      const a = await test.rows.job({ state: 'suspect', suspicion: 3 });
      const b = await test.rows.job({ state: 'suspect', suspicion: 3, queue: 'pdf' });
      expect(await suspects([a.lane, b.lane], true, 1)).toHaveLength(1);
    });
  });
});
