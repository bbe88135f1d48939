import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { dateOf, type ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import { Parted, type FollowerWish } from '../../../lib/storage/groups/followers.js';
import { SETTLE_ORDERED } from '../../../lib/storage/settle/settle-ordered.sql.js';
import { checkPlaces } from '../../support/check-places.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const GROUPS = 50;
/** Of a settle with its follower: both jobs and the follower's place are locked, the ended job and that place are deleted. */
const WAL_RECORDS_A_JOB = 7;
/** Where the next job was read ahead: the ended job is deleted, the place locked and deleted. */
const WAL_RECORDS_AHEAD = 3;

describe('followers: next jobs of ordered groups that are claimed with the settle of the one before', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;
  let queues: QueueService;
  const lease = randomUUID();

  beforeAll(async () => {
    test = await aStorage();
    enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, test.events);
    queues = new QueueService(test.storage, test.options, test.events);
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
  const wishFor = async (rows: ClaimedRow[], ahead: number | null = 0): Promise<FollowerWish> => {
    const { id, queueId } = await test.rows.lane('mail');
    const following = rows.map(({ next }) => ({ ahead, next, queue: queueId }));
    return { claimId: randomUUID(), lease, lanes: [id], following };
  };
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
    const first = await enqueue('a');
    const headers = { h: '1' };
    const second = await enqueue('a', { payload: { n: 2 }, uniqueKey: 'key', headers });
    const third = await enqueue('a');

    const settled = await settle(await claim());
    expect(settled).toMatchObject({ lanes: [], later: 0, vacant: 0, lost: [] });
    const [row] = settled.claimed;
    expect(row).toMatchObject({ id: second, epoch: 0, spent: 0, uniqueKey: 'key', weight: 0 });
    expect(row).toMatchObject({ after: first, ownLane: undefined, cancelled: false });
    const stored = (await test.storage.jobs.find(second))!.createdAt.toISOString();
    expect(dateOf(row!.createdAt).toISOString()).toBe(stored);
    expect(JSON.parse(row!.payload!)).toEqual({ n: 2 });
    expect(JSON.parse(row!.options!)).toMatchObject({ headers, ordered: true });
    expect([await stateOf(second), await stateOf(third)]).toEqual(['running', 'blocked']);
    expect(await count('ready')).toBe(0);

    expect((await settle([row!])).claimed.map(({ id }) => id)).toEqual([third]);
  });

  /** Of a settle: rows that came back, and records of WAL, as far as members of the `with` are read by anybody. */
  async function explained(rows: ClaimedRow[]): Promise<{ came: number; records: number }> {
    const parted = new Parted(successes(rows), await wishFor(rows));
    const [row] = await test.storage.database.loops.run<{ 'QUERY PLAN': string }>(
      {
        ...SETTLE_ORDERED,
        name: 'explained_settle',
        text: `explain (analyze, wal, format json) ${SETTLE_ORDERED.text}`,
      },
      [0, ...parted.values('w', '{}', [])],
    );
    const plan: unknown = row!['QUERY PLAN'];
    const [{ Plan }] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [
      { Plan: Record<string, number> },
    ];
    return { came: Plan['Actual Rows']!, records: Plan['WAL Records']! };
  }

  it('cost one statement for both, and no more WAL than their own rows', async () => {
    for (let group = 0; group < GROUPS; group++)
      for (let n = 0; n < 2; n++) await enqueue(`g${group}`);
    const rows = await claim();
    expect(rows).toHaveLength(GROUPS);
    const { came, records } = await explained(rows);
    expect(came).toBe(GROUPS + 1);
    // What nobody reads writes two records a job.
    expect(records + 2 * GROUPS).toBeLessThanOrEqual(WAL_RECORDS_A_JOB * GROUPS);
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

  describe('that were read ahead', () => {
    /** Of a group of `jobs` the first has ended, and the second was claimed; it knows what was read ahead. */
    const begun = async (jobs: Partial<EnqueueItem>[], ahead = 10) => {
      const ids = [await enqueue('a')];
      for (const job of jobs) ids.push(await enqueue('a', job));
      const rows = await claim();
      const [row] = (await settle(rows, await wishFor(rows, ahead))).claimed;
      return { ids, row: row! };
    };
    const known = (row: ClaimedRow | undefined): string[] =>
      row?.next ? [row.next.id, ...known(row.next)] : [];

    it('stay blocked, and are claimed one by one, each with the settle of the one before', async () => {
      const { ids, row } = await begun([{}, { payload: { n: 2 } }, {}, {}], 2);
      expect(known(row)).toEqual(ids.slice(2, 4));
      expect([await stateOf(ids[2]!), await stateOf(ids[3]!)]).toEqual(['blocked', 'blocked']);

      const { claimed, ...told } = await settle([row]);
      expect(told).toEqual({ lanes: [], later: 0, vacant: 0, keys: false, lost: [] });
      expect(claimed.map(({ id, after }) => [id, after])).toEqual([[ids[2], row.id]]);
      expect(JSON.parse(claimed[0]!.payload!)).toEqual({ n: 2 });
      const stored = (await test.storage.jobs.find(ids[2]!))!;
      expect(stored.state).toBe('running');
      expect(dateOf(claimed[0]!.createdAt)).toEqual(stored.createdAt);
      expect(dateOf(claimed[0]!.runAt).getTime()).toBeGreaterThan(stored.createdAt.getTime());

      const [fourth] = (await settle(claimed)).claimed;
      expect([fourth!.id, known(fourth)]).toEqual([ids[3], []]);
      expect((await settle([fourth!])).claimed.map(({ id }) => id)).toEqual([ids[4]]);
    });

    it('end with what cannot follow at once', async () => {
      const heavy = { payload: Array.from({ length: 600 }, () => Math.random()) };
      for (const stop of [{ delayMs: 60_000 }, { staged: true }, heavy]) {
        await test.rows.clear();
        const { ids, row } = await begun([{}, {}, stop, {}]);
        expect(known(row)).toEqual([ids[2]]);
      }
    });

    it.each<[string, (id: string) => Promise<unknown>]>([
      ['cancelled', (id) => queues.cancel({ id })],
      ['changed', (id) => queues.change(id, { payload: 'new' })],
      ['delayed', (id) => queues.change(id, { delayMs: 60_000 })],
    ])('are nobody’s once they were %s: the turn is vacant', async (what, become) => {
      const { ids, row } = await begun([{}, {}, {}]);
      await become(ids[2]!);
      expect(await settle([row])).toMatchObject({ claimed: [], lanes: [], vacant: 1, lost: [] });
      expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 1 });
      const turned = what === 'cancelled' ? ids[3]! : ids[2]!;
      expect(await stateOf(turned)).toBe(what === 'delayed' ? 'scheduled' : 'ready');
      if (what === 'changed') expect((await claim()).map(({ payload }) => payload)).toEqual(['"new"']); // prettier-ignore
    });

    it('are told from what was changed by its epoch, which a staged one keeps', async () => {
      const ids = [await enqueue('a'), await enqueue('a'), await enqueue('a', { staged: true })];
      for (const id of ids) await queues.change(id, { payload: 'new' });
      const rows = await test.database.query<{ epoch: number }>(
        'select epoch from simple_queue.job order by seq',
      );
      expect(rows.map(({ epoch }) => epoch)).toEqual([0, 1, 0]);
    });

    it('wait for whoever holds them, and for a queue that is halted', async () => {
      const { ids, row } = await begun([{}, {}, {}]);
      await test.dataSource.transaction(async (manager) => {
        await queues.change(ids[2]!, { payload: 'new' }, { manager });
        expect(await settle([row])).toMatchObject({ claimed: [], vacant: 1 });
      });
      expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 1 });

      await test.rows.clear();
      const other = await begun([{}, {}]);
      await test.database.query(`insert into simple_queue.head
        (group_name, shard, queue, dead, dead_seq, dead_at, dead_until, halts)
        select 'dead', 0, queue, id, 0, now(), now() + interval '1 day', true from simple_queue.job limit 1`);
      expect(await settle([other.row])).toMatchObject({ claimed: [], vacant: 1 });
      await test.database.query(`delete from simple_queue.head where halts`);
      expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 1 });
    });

    it('are not passed on by a run that has lost its job', async () => {
      const { ids, row } = await begun([{}, {}]);
      await test.database.query('update simple_queue.lease set expires_at = now()');
      const claims = await test.database.query<{ id: string }>('select id from simple_queue.claim');
      await test.storage.leases.releaseClaims(lease, claims.map(({ id }) => id)); // prettier-ignore
      expect(await settle([row])).toMatchObject({ claimed: [], vacant: 0, lost: [row.id] });
      expect([await stateOf(ids[1]!), await stateOf(ids[2]!)]).toEqual(['ready', 'blocked']);
    });

    it('cost what plain jobs do: their rows are deleted, and their places locked before', async () => {
      for (let group = 0; group < GROUPS; group++)
        for (let n = 0; n < 3; n++) await enqueue(`g${group}`);
      const heads = await claim();
      const rows = (await settle(heads, await wishFor(heads, 1))).claimed;
      const { came, records } = await explained(rows);
      expect(came).toBe(1);
      // What nobody reads deletes the places.
      expect(records + GROUPS).toBeLessThanOrEqual(WAL_RECORDS_AHEAD * GROUPS + 10);
      expect(await count('job')).toBe(GROUPS);
    });
  });
});
