import { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GroupRepository } from '../../../lib/storage/groups/group.repository.js';
import type { Lane } from '../../../lib/job/lane.js';
import { VacantTurns } from '../../../lib/storage/groups/vacant-turns.js';
import { patient } from '../../support/patience.mjs';
import { explaining, type Cost, withoutAutovacuum } from '../../support/plans.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';

const HALTED_GROUPS = 300_000;
const LARGE = ['vacant', 'head'];
const PAGE = 200;
/** Handing 200 turns on touches some 5,000 pages, and a look at 100 halted queues 600. */
const BLOCKS_A_PAGE = 10_000;
const BLOCKS_A_LOOK = 1_500;

describe('vacant turns', () => {
  let test: TestStorage;
  let halted: Lane;
  let mail: Lane;

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    await withoutAutovacuum(test.database);
    halted = await test.rows.lane('halted');
    mail = await test.rows.lane('mail');
  });
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  /** Groups without a job that waits, whose turns are vacant. */
  async function vacate(queue: number, count: number, prefix = 'g'): Promise<void> {
    for (const table of ['head', 'vacant'])
      await test.database.query(`insert into simple_queue.${table} (group_name, shard, queue)
        select '${prefix}' || lpad(n::text, 6, '0'), 0, ${queue} from generate_series(1, ${count}) n`);
  }
  const halt = (queue: number) =>
    test.database
      .query(`insert into simple_queue.head (group_name, shard, queue, dead, dead_seq, dead_at, dead_until, halts)
      values ('dead', 0, ${queue}, gen_random_uuid(), 1, now(), now() + interval '1 day', true)`);
  const release = (queue: number) =>
    test.database.query(
      `delete from simple_queue.head where queue = ${queue} and group_name = 'dead'`,
    );
  const vacantOf = async ({ queueId }: Lane) =>
    (
      await test.database.query<{ n: number }>(
        `select count(*)::int as n from simple_queue.vacant where queue = ${queueId}`,
      )
    )[0]!.n;
  const lap = async (turns: VacantTurns) => {
    let pages = 0;
    return { ...(await turns.lap(() => pages++)), pages };
  };
  /** No statement walks a table or a queue. */
  function judge(costs: Cost[]): void {
    for (const { name, walked, removed, blocks } of costs) {
      const most = name.includes('_vacant') || name === 'hand_on' ? BLOCKS_A_PAGE : BLOCKS_A_LOOK;
      expect({
        name,
        walked: walked.filter((table) => LARGE.includes(table)),
        removed: removed > 2 * PAGE,
        many: blocks > most,
      }).toEqual({
        name,
        walked: [],
        removed: false,
        many: false,
      });
    }
    costs.length = 0;
  }

  it(
    'of a halted queue are passed over, however many, and delay no other queue; released, they delay the others by a page',
    async () => {
      await vacate(halted.queueId, HALTED_GROUPS);
      await halt(halted.queueId);
      await vacate(mail.queueId, 5, 'z');
      const { database, costs } = explaining(test.storage.database);
      const [turns, claims] = [
        new VacantTurns(new GroupRepository(database)),
        new ClaimRepository(database),
      ];

      expect((await claims.promote('-infinity', [halted.id])).vacant).toBe(true);
      expect(await lap(turns)).toEqual({ pages: 1, looked: 5, dealt: 5, held: [], hasMore: false });
      expect((await claims.promote('-infinity', [halted.id])).vacant).toBe(false);
      expect(await claims.hasDue([halted.id])).toBe(false);
      expect(await lap(turns)).toEqual({ pages: 1, looked: 0, dealt: 0, held: [], hasMore: false });
      judge(costs);

      await release(halted.queueId);
      for (let round = 1; round <= 3; round++) {
        await vacate(mail.queueId, 5, 'z');
        expect((await claims.promote('-infinity', [halted.id])).vacant).toBe(true);
        // Whichever of the two queues comes first.
        expect(await lap(turns)).toMatchObject({ pages: 2, hasMore: true });
        expect(await vacantOf(mail)).toBe(0);
        expect(await vacantOf(halted)).toBeLessThanOrEqual(HALTED_GROUPS - round * (PAGE - 5));
      }
      judge(costs);
    },
    patient(60_000),
  );

  it('of more queues than a page has rows are handed on lap by lap, each queue once in a lap', async () => {
    const queues = Array.from({ length: 500 }, (_, n) => 1_000_000 + n);
    for (const table of ['head', 'vacant'])
      await test.database.query(
        `insert into simple_queue.${table} (group_name, shard, queue) select 'g', 0, unnest($1::int[])`,
        [queues],
      );
    await test.database.query(
      `update simple_queue.head set halts = true, dead = gen_random_uuid(), dead_seq = 1, dead_at = now(), dead_until = now() where queue < 1000450`,
    );
    const { database, costs } = explaining(test.storage.database);
    const [turns, claims] = [
      new VacantTurns(new GroupRepository(database)),
      new ClaimRepository(database),
    ];

    expect((await claims.promote('-infinity', [])).vacant).toBe(true);
    expect(await lap(turns)).toEqual({ pages: 3, looked: 50, dealt: 50, held: [], hasMore: false });
    judge(costs);
  });

  it('of a queue that is ordered as a whole, whose group has no name, are handed on', async () => {
    for (const table of ['head', 'vacant'])
      await test.database.query(
        `insert into simple_queue.${table} (group_name, shard, queue) values ('', 0, ${mail.queueId})`,
      );
    expect(await lap(new VacantTurns(test.storage.groups))).toMatchObject({ looked: 1, dealt: 1 });
    expect(await vacantOf(mail)).toBe(0);
  });

  it('whose groups are being enqueued to hide none behind them', async () => {
    await vacate(mail.queueId, 3 * PAGE);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select pg_advisory_xact_lock(hashtextextended('simple_queue.' || queue || ' ' || group_name, 0))
      from (select queue, group_name from simple_queue.vacant order by group_name limit ${PAGE + 10}) v`);
    const turns = new VacantTurns(test.storage.groups);

    const laps = [await lap(turns), await lap(turns), await lap(turns), await lap(turns)];
    expect(laps.map(({ dealt, hasMore }) => ({ dealt, hasMore }))).toEqual([
      { dealt: 0, hasMore: true },
      { dealt: PAGE - 10, hasMore: true },
      { dealt: PAGE, hasMore: true },
      { dealt: 0, hasMore: false },
    ]);
    await rival.commit();
    await rival.close();
    expect((await lap(turns)).dealt).toBe(PAGE);
    expect((await lap(turns)).dealt).toBe(10);
  });

  it('that fill a page to its last row leave nothing more to do, and neither does a page whose queue somebody else has emptied', async () => {
    await vacate(mail.queueId, PAGE);
    const turns = new VacantTurns(test.storage.groups);
    expect(await lap(turns)).toMatchObject({ dealt: PAGE, hasMore: true });
    expect(await lap(turns)).toMatchObject({ dealt: 0, hasMore: false });

    await vacate(mail.queueId, 2 * PAGE + 50);
    const other = new VacantTurns(test.storage.groups);
    expect([await lap(turns), await lap(other)]).toMatchObject([
      { dealt: PAGE, hasMore: true },
      { dealt: PAGE, hasMore: true },
    ]);
    expect(await lap(turns)).toMatchObject({ dealt: 50, hasMore: false });
    expect(await lap(other)).toMatchObject({ dealt: 0, hasMore: false });
  });
});
