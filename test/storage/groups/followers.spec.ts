import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import type { FollowerWish } from '../../../lib/storage/groups/group.repository.js';
import { SETTLE_ORDERED } from '../../../lib/storage/settle/settle-ordered.sql.js';
import { checkPlaces } from '../../support/check-places.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const GROUPS = 50;
/** Of a settle with its follower: both jobs and the follower's place are locked, the ended job and that place are deleted. */
const WAL_RECORDS_A_JOB = 7;

describe('followers: next jobs of ordered groups that are claimed with the settle of the one before', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;
  const lease = randomUUID();

  beforeAll(async () => {
    test = await aStorage();
    enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, test.events);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const enqueue = async (group: string, options: Partial<EnqueueItem> = {}) =>
    (await enqueuer.enqueue('mail', { payload: null, group, ordered: true, ...options }, {})).id;
  const claim = async (): Promise<ClaimedRow[]> => {
    const ranges = [{ priority: -32_768, runAt: '-infinity', id: FIRST_ID, upto: 32_767 }];
    const lanes = [{ lane: (await test.rows.lane('mail')).id, wanted: 100, ranges }];
    const wish = { claimId: randomUUID(), lease, lanes, limit: 100 };
    return (await test.storage.claims.settleAndClaim('w', [], [], wish)).jobs;
  };
  const wishFor = async (rows: ClaimedRow[], since: number | null = 7): Promise<FollowerWish> => ({
    claimId: randomUUID(),
    lease,
    lanes: [(await test.rows.lane('mail')).id],
    since: rows.map(() => since),
  });
  const successes = (rows: ClaimedRow[]) =>
    rows.map(({ id, epoch }) => ({ id, epoch, runMs: 1, keepMs: undefined, output: undefined }));
  const settle = async (rows: ClaimedRow[], followers?: FollowerWish, over: string[] = []) =>
    test.storage.groups.settle('w', successes(rows), {
      over,
      followers: followers ?? (await wishFor(rows)),
    });
  const stateOf = async (id: string) => (await test.storage.jobs.find(id))?.state;
  const count = async (table: string) =>
    (await test.database.query(`select from simple_queue.${table}`)).length;

  it('come with all that a claim tells, in order, each when the one before has ended', async () => {
    await enqueue('a');
    const headers = { h: '1' };
    const second = await enqueue('a', { payload: { n: 2 }, uniqueKey: 'key', headers });
    const third = await enqueue('a');

    const settled = await settle(await claim());
    expect(settled).toMatchObject({ lanes: [], later: 0, vacant: 0, lost: [] });
    const [row] = settled.claimed;
    expect(row).toMatchObject({ id: second, epoch: 0, spent: 0, uniqueKey: 'key', weight: 0 });
    expect(row).toMatchObject({ followsSince: 7, ownLane: undefined, cancelled: false });
    expect(JSON.parse(row!.payload!)).toEqual({ n: 2 });
    expect(JSON.parse(row!.options!)).toMatchObject({ headers, ordered: true });
    expect([await stateOf(second), await stateOf(third)]).toEqual(['running', 'blocked']);
    expect(await count('ready')).toBe(0);

    expect((await settle([row!])).claimed.map(({ id }) => id)).toEqual([third]);
  });

  it('cost one statement for both, and no more WAL than their own rows', async () => {
    for (let group = 0; group < GROUPS; group++)
      for (let n = 0; n < 2; n++) await enqueue(`g${group}`);
    const rows = await claim();
    expect(rows).toHaveLength(GROUPS);
    const { claimId, lanes, since } = await wishFor(rows);
    const told = rows.map(({ id, epoch }) => ({ id, epoch }));
    const [explained] = await test.storage.database.loops.run<{ 'QUERY PLAN': string }>(
      {
        ...SETTLE_ORDERED,
        name: 'explained_settle',
        text: `explain (analyze, wal, format json) ${SETTLE_ORDERED.text}`,
      },
      [0, told.map(({ id }) => id), told.map(({ epoch }) => epoch), 'w', '{}', since, lanes, claimId, lease, []], // prettier-ignore
    );
    const plan: unknown = explained!['QUERY PLAN'];
    const [{ Plan }] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [
      { Plan: Record<string, number> },
    ];
    expect(Plan['Actual Rows']).toBe(GROUPS + 1);
    // The members of the `with` that nobody reads are counted by nobody: what they write is two records a job.
    expect(Plan['WAL Records']! + 2 * GROUPS).toBeLessThanOrEqual(WAL_RECORDS_A_JOB * GROUPS);
    expect([await count('claim'), await count('ready'), await count('job')]).toEqual([2, 0, GROUPS]); // prettier-ignore
  });

  it('end the claims that are over with the same commit', async () => {
    await enqueue('a');
    await enqueue('a');
    const rows = await claim();
    const [before] = await test.database.query<{ id: string }>('select id from simple_queue.claim');
    const wish = await wishFor(rows);
    await settle(rows, wish, [before!.id]);
    expect(await test.database.query('select id from simple_queue.claim')).toEqual([
      { id: wish.claimId },
    ]);
  });

  it('are nobody’s where the process has had its time, serves another lane, or has lost the job', async () => {
    const ids = [await enqueue('a'), await enqueue('a'), await enqueue('a'), await enqueue('a')];
    let [row] = await claim();
    const lost = { ...row!, id: row!.id, epoch: 9 };
    expect(await settle([lost])).toMatchObject({ claimed: [], lost: [ids[0]] });
    expect(await settle([row!], await wishFor([row!], null))).toMatchObject({
      claimed: [],
      lanes: [row!.lane],
    });
    [row] = await claim();
    const elsewhere = { ...(await wishFor([row!])), lanes: [row!.lane + 1] };
    expect(await settle([row!], elsewhere)).toMatchObject({ claimed: [], lanes: [row!.lane] });
    expect(await stateOf(ids[2]!)).toBe('ready');
  });

  it('wait where they would wait without that: for their time, a commit, or whoever holds them', async () => {
    for (const group of ['later', 'staged', 'locked']) await enqueue(group);
    await enqueue('later', { delayMs: 60_000 });
    await enqueue('staged', { staged: true });
    const locked = await enqueue('locked');
    const rows = await claim();
    const runner = test.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query('select from simple_queue.blocked where id = $1 for update', [locked]);

    expect(await settle(rows)).toMatchObject({ claimed: [], lanes: [], later: 1, vacant: 1 });
    await runner.rollbackTransaction();
    await runner.release();
    expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 1 });
    expect(await stateOf(locked)).toBe('ready');
  });

  it('hold what was changed right before', async () => {
    await enqueue('a');
    const second = await enqueue('a', { payload: 'old' });
    const rows = await claim();
    await test.database.query(
      `update simple_queue.job set payload = '"new"' where id = '${second}'`,
    );
    const [row] = (await settle(rows)).claimed;
    expect(row!.payload).toBe('"new"');
  });

  it('go back to their turn, without an attempt, where the answer was lost', async () => {
    await enqueue('a');
    const second = await enqueue('a');
    const third = await enqueue('a');
    const rows = await claim();
    const wish = await wishFor(rows);
    await settle(rows, wish);
    expect(await test.storage.leases.releaseClaims(lease, [wish.claimId])).toBe(1);
    expect(await test.storage.jobs.find(second)).toMatchObject({ state: 'ready', attempt: 0 });
    expect(await stateOf(third)).toBe('blocked');
    expect((await claim()).map(({ id, epoch }) => [id, epoch])).toEqual([[second, 1]]);
  });
});
