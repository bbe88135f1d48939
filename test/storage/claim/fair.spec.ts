import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { GroupRepository, type FairClaimed } from '../../../lib/storage/groups/group.repository.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import { explaining, withoutAutovacuum } from '../../support/plans.js';
import { patient } from '../../support/patience.mjs';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const OPTIONS = resolveOptions({ queues: { mail: { fair: true } } }).options;

describe('fair queues', () => {
  let test: TestStorage;
  let cancels: CancelRepository;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;
  let enqueuer: Enqueuer;
  let lane: number;

  beforeAll(async () => {
    test = await aStorage();
    await withoutAutovacuum(test.database);
    ({ cancels, claims, jobs, settlements } = test.storage);
    enqueuer = new Enqueuer(test.storage, OPTIONS, test.events);
    lane = (await test.storage.lanes.of('mail', '')).id;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const enqueue = async (options: Partial<EnqueueItem> = {}) =>
    (await enqueuer.enqueue('mail', { payload: null, ...options }, {})).id;
  const fill = (group: string, count: number) =>
    enqueuer.enqueueMany(
      'mail',
      Array.from({ length: count }, (_, n) => ({ payload: n, group })),
      {},
    );
  const claim = (wanted: number, after: string | null = null, groups = test.storage.groups) =>
    groups.claimFair({ claimId: randomUUID(), lease: randomUUID(), lane, after, wanted });
  const groupsOf = (claimed: { jobs: { options: string | null }[] }) =>
    claimed.jobs.map(
      ({ options }) => (JSON.parse(options ?? '{}') as { group?: string }).group ?? '',
    );
  const count = async (table: string) =>
    (
      await test.database.query<{ n: number }>(
        `select count(*)::int as n from simple_queue.${table}`,
      )
    )[0]!.n;

  it('give each group an equal share of a claim, in its own order', async () => {
    await fill('big', 100);
    await fill('small', 3);
    await fill('tiny', 1);

    const claimed = await claim(9);

    expect(groupsOf(claimed).sort()).toEqual([
      'big',
      'big',
      'big',
      'small',
      'small',
      'small',
      'tiny',
    ]);
    const big = claimed.jobs
      .filter((row) => row.options!.includes('big'))
      .map((row) => Number(row.payload));
    expect(big.sort()).toEqual([0, 1, 2]);
    expect(claimed.after).toBe('tiny');
  });

  it('go on behind the last group, in a circle, and answer nothing where there is nothing', async () => {
    for (const group of ['a', 'b', 'c']) await fill(group, 2);
    const first = await claim(2);
    expect(groupsOf(first).sort()).toEqual(['a', 'b']);
    const second = await claim(2, first.after);
    expect(groupsOf(second).sort()).toEqual(['a', 'c']);
    expect(groupsOf(await claim(5, second.after)).sort()).toEqual(['b', 'c']);
    expect(await claim(2, 'c')).toEqual({ jobs: [], after: null });
  });

  it.each([1, 2, 64, 65, 66, 130])(
    'give %i groups shares that differ by one, whatever their names',
    async (groups) => {
      const names = Array.from({ length: groups }, (_, n) => `g${n}`);
      await enqueuer.enqueueMany('mail', names.flatMap((group) => Array.from({ length: 20 }, () => ({ payload: 1, group }))), {}); // prettier-ignore
      const taken = new Map(names.map((group) => [group, 0]));
      let after: string | null = null;
      for (let [left, round] = [groups * 10, 0]; left > 0; round++) {
        const claimed: FairClaimed = await claim(
          Math.min(left, [10, 100, 64, 7, 300][round % 5]!),
          after,
        );
        for (const group of groupsOf(claimed)) taken.set(group, taken.get(group)! + 1);
        [after, left] = [claimed.after, left - claimed.jobs.length];
        const counts = [...taken.values()];
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }
      expect(new Set(taken.values())).toEqual(new Set([10]));
    },
  );

  it(
    'fairness with batches: a group of 100,000 delays a group of 10 by one claim',
    async () => {
      await fill('a', 100_000);
      await fill('b', 10);
      const claimed = await claim(100);
      expect(groupsOf(claimed).filter((group) => group === 'b')).toHaveLength(10);
      expect(groupsOf(claimed).filter((group) => group === 'a')).toHaveLength(50);
    },
    patient(60_000),
  );

  it('10,000 active groups are claimed from in few pages', async () => {
    await enqueuer.enqueueMany(
      'mail',
      Array.from({ length: 10_000 }, (_, n) => ({ payload: n, group: `group ${n}` })),
      {},
    );
    await test.database.query('analyze simple_queue.fair_ready');
    let [after, taken]: [string | null, number] = [null, 0];
    const { database, costs } = explaining(test.storage.database);
    const groups = new GroupRepository(database);
    for (let round = 0; round < 20; round++) {
      const claimed: FairClaimed = await claim(100, after, groups);
      [after, taken] = [claimed.after, taken + claimed.jobs.length];
    }
    expect(taken).toBe(20 * 100);
    // Some pages per group and per job, however many groups there are.
    expect(Math.max(...costs.map(({ blocks }) => blocks))).toBeLessThan(5_000);
  });

  it('a job without a group takes its turn as a group of its own, and priority counts within a group', async () => {
    await fill('a', 2);
    await enqueue();
    const late = await enqueue({ group: 'a', priority: -1 });
    expect(await count('ready')).toBe(0);
    const claimed = await claim(2);
    expect(groupsOf(claimed).sort()).toEqual(['', 'a']);
    expect(claimed.jobs.map((row) => row.id)).toContain(late);
  });

  it('come in turn from each group, the most urgent of it first, for workers and for pulled claims', async () => {
    const urgency = [3, 1, 2, 0];
    const fillAll = () =>
      enqueuer.enqueueMany(
        'mail',
        urgency.flatMap((priority) =>
          ['b', 'a'].map((group) => ({ payload: `${group}${priority}`, group, priority })),
        ),
        {},
      );
    const payloads = ({ jobs }: FairClaimed) =>
      jobs.map(({ payload }) => JSON.parse(payload!) as string);
    await fillAll();
    expect(payloads(await claim(8))).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
    await fillAll();
    expect(payloads(await claim(5, 'a'))).toEqual(['b0', 'a0', 'b1', 'a1', 'b2']);
    await test.rows.clear();
    await fillAll();
    const pulled = await test.storage.pulls.claimFair({
      lane,
      after: null,
      limit: 6,
      worker: 'w',
      lease: randomUUID(),
      leaseMs: 60_000,
    });
    expect(payloads(pulled)).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });

  it('two claims at once share what is there', async () => {
    await fill('a', 50);
    await fill('b', 50);
    const claims = await Promise.all([claim(40), claim(40), claim(40)]);
    const ids = claims.flatMap((claimed) => claimed.jobs.map((row) => row.id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(80);
  });

  it('a job of later, a retried one and a released one stand with their group again', async () => {
    const later = await enqueue({ group: 'a', delayMs: 60_000 });
    await test.database.query(`update simple_queue.job set run_at = now() where id = $1`, [later]);
    await test.database.query(
      `update simple_queue.scheduled set run_at = (select run_at from simple_queue.job where id = $1)`,
      [later],
    );
    expect(await claims.promote('-infinity', [lane])).toMatchObject({ promoted: 1, lanes: [lane] });
    expect(await claims.promote('-infinity', [lane])).toMatchObject({ fair: [lane] });
    expect(await jobs.find(later)).toMatchObject({ state: 'ready', group: 'a' });

    const [row] = (await claim(1)).jobs;
    await settlements.putBack([
      { id: later, epoch: row!.epoch, change: { delayMs: 0, spent: 1, rescheduled: 0, ran: true } },
    ]);
    const lease = randomUUID();
    const claimId = randomUUID();
    expect(
      (await test.storage.groups.claimFair({ claimId, lease, lane, after: null, wanted: 1 })).jobs,
    ).toHaveLength(1);
    expect(await test.storage.leases.releaseClaims(lease, [claimId])).toBe(1);
    expect(await count('fair_ready')).toBe(1);
    expect(await claims.hasDue([lane])).toBe(true);
  });

  it('a job that is promoted by hand, or lives again, stands with its group', async () => {
    const [later, dead, alone] = [
      await enqueue({ group: 'a', delayMs: 60_000 }),
      await enqueue({ group: 'b' }),
      await enqueue(),
    ];
    const verdict = {
      state: 'failed',
      spent: 1,
      runMs: 1,
      deadLetterKeepMs: DAY_MS,
      archiveKeepMs: DAY_MS,
    } as const;
    await settlements.bury('w', (await claim(2)).jobs.map(({ id, epoch }) => ({ id, epoch, verdict }))); // prettier-ignore
    const { revivals } = test.storage;

    expect(await revivals.promoteNow([later])).toEqual([
      { id: later, lane, fair: true, keyed: false, later: false },
    ]);
    expect(await revivals.revive([dead, alone], ['failed'])).toMatchObject([
      { revived: true },
      { revived: true },
    ]);

    expect([await count('ready'), await count('fair_ready')]).toEqual([0, 3]);
    expect(groupsOf(await claim(9)).sort()).toEqual(['', 'a', 'b']);
  });

  it('a waiting job can be cancelled, alone or with its group, and taken back', async () => {
    const [one, two, given] = [
      await enqueue({ group: 'a' }),
      await enqueue({ group: 'a' }),
      randomUUID(),
    ];
    const run = test.storage.database.callers.run;
    expect(await cancels.byId(run, [one], { '': DAY_MS })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await cancels.byGroup(run, { group: 'a', queue: 'mail' }, { '': DAY_MS })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await jobs.find(two)).toMatchObject({ state: 'cancelled' });

    await enqueue({ group: 'a', id: given });
    await cancels.byId(run, [given], { '': DAY_MS });
    expect(
      (await enqueuer.enqueue('mail', { payload: 1, group: 'a', id: given }, {})).created,
    ).toBe(false);
    expect(await count('fair_ready')).toBe(0);
  });

  it('a staged job stands with its group when it is committed', async () => {
    const id = await enqueue({ group: 'a', staged: true });
    await test.storage.database.callers.transaction(async (run) => {
      await test.storage.staged.take(run, id);
      await test.storage.staged.commit(run, [id]);
    });
    expect(groupsOf(await claim(5))).toEqual(['a']);
  });

  it('ordered jobs have no place in them', async () => {
    await expect(enqueue({ group: 'a', ordered: true })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect(() => resolveOptions({ queues: { mail: { fair: true, ordered: true } } })).toThrow(
      'ordered and fair',
    );
  });
});
