import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import { TERMINAL_STATES } from '../../../lib/job/job-state.js';
import type { Database } from '../../../lib/storage/connection/database.js';
import {
  ListingRepository,
  type ListWish,
} from '../../../lib/storage/reading/listing.repository.js';
import { ErrorRepository } from '../../../lib/storage/reading/error.repository.js';
import { QueueRepository } from '../../../lib/storage/reading/queue.repository.js';
import { RevivalRepository } from '../../../lib/storage/operate/revival.repository.js';
import { explaining, withoutAutovacuum, type Cost } from '../../support/plans.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const HOT = ['job', 'ready', 'scheduled', 'suspect', 'claim', 'archive', 'dead_letter'];
const MOST = 10_000;
const BATCH = 200;

/** Rows that a statement may read for nothing: what it may walk, or count. */
const REMOVED: Record<string, number> = {
  list_archive: 10_000,
  list_scheduled: 10_000,
  list_running: 2_000,
  list_ready_by_lane: 10_000,
  list_failing: 2_000,
  explain_job: 1_000,
  promote_now: 600,
  revive: 2_000,
  cancel: 2_000,
};
/** Pages that a statement may touch, where it is more than 3,000: it counts ten thousand jobs of a place, or moves two hundred. */
const BLOCKS: Record<string, number> = {
  ...{
    list_queues: 40_000,
    count_dead_letters: 8_000,
    list_running: 15_000,
    list_failing: 8_000,
    count_places: 15_000,
    list_dead_letters: 8_000,
  },
  ...{ revive: 10_000, cancel: 20_000, promote_now: 15_000 },
};

/**
 * PostgreSQL 13 and 15 hash a place of 200,000 jobs for a page of a list where the tables were never analysed, and walk more of it to
 * revive: a quarter of a second, for an operator. They search for each claimed job by itself. PostgreSQL 18 does not.
 */
const BEFORE_18: Record<string, { removed: number; blocks: number }> = {
  count_places: { removed: 300, blocks: 17_000 },
  find_listed: { removed: 201_000, blocks: 8_000 },
  revive: { removed: 2_000, blocks: 50_000 },
  purge_ended: { removed: 300, blocks: 11_000 },
};

/** What operators ask, of tables of a million rows that the planner takes for small. */
describe('plans of QueueAdmin on large tables', () => {
  let test: TestStorage;
  let busy: number;
  let rare: number;

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    await test.storage.lanes.register(
      Array.from({ length: 50 }, (_, n) => ({ queue: n === 1 ? 'rare' : 'mail', name: `${n}` })),
    );
    busy = test.storage.lanes.find('mail', '0')!.id;
    rare = test.storage.lanes.find('rare', '1')!.id;
    await withoutAutovacuum(test.database);
  });
  afterAll(() => test.close());

  /** 500,000 ready, 100,000 scheduled, 2,000 running; 200,000 dead, 200,000 archived. A few of each are of the rare queue. */
  async function fill(): Promise<void> {
    const query = (sql: string) => test.database.query(sql);
    const id = `('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid`;
    const lane = `case when n % 100000 = 7 then ${rare} else ${busy} end`;
    const tags = `case when n % 100 = 0 then 'key-' || n end, case when n % 1000 = 0 then 'tag-' || n % 7000 end`;
    await query(
      `insert into simple_queue.job (id, shard, lane, queue, priority, run_at, unique_key, fingerprint, payload, group_name, options)
       select ${id}, 0, ${lane}, (select queue from simple_queue.lane where id = ${lane}), n % 3, now() + case when n between 500001 and 600000 then n else -n end * interval '1 millisecond', ${tags}, '{}',
         case when n % 500 = 0 then 'group-' || n / 500 % 9 end, case when n % 500 = 0 then jsonb_build_object('workflowId', 'flow-' || n / 500 % 9) end
       from generate_series(1, 602000) n`,
    );
    await query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
       select lane, 0, priority, run_at, id, 0 from simple_queue.job where run_at < now() and id < '00000000-0000-7000-8000-000000500001'`,
    );
    await query(
      `insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch) select run_at, 0, id, lane, priority, 0 from simple_queue.job where run_at > now()`,
    );
    await query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs)
       select gen_random_uuid(), 0, gen_random_uuid(), array_agg(id), array_agg(0) from simple_queue.job
       where id > '00000000-0000-7000-8000-000000600000' group by substr(id::text, 34)`,
    );
    for (const [table, state, first] of [
      ['dead_letter', 'failed', 1_000_000],
      ['archive', 'succeeded', 2_000_000],
    ] as const)
      await query(
        `insert into simple_queue.${table} (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint)
         select ${id}, 0, '${state}', ${lane}, 0, 1, 0, 0, now(), now(), now(), now() + interval '1 day' * (n % 5), ${tags}
         from generate_series(${first + 1}, ${first + 200_000}) n`,
      );
  }

  async function work(): Promise<Cost[]> {
    const { database, costs } = explaining(test.storage.database, (act) =>
      test.storage.database.callers.transaction(act),
    );
    const queues = new QueueRepository(database);
    await queues.list(MOST, { limit: 10 });
    await queues.lanes(MOST, ['mail']);
    await queues.places(MOST);
    const errors = new ErrorRepository(database);
    await errors.list({ mostJobs: 10, mostKeys: 10 });
    await errors.failing(undefined, 500);
    await errors.failing([rare, busy], 500);
    await queues.deadLetters([busy, rare], MOST);
    await queues.workers();
    await queues.explain('00000000-0000-7000-8000-000000000999', 1_000);
    await queues.pause('mail', true);
    await list(database);
    await change(database);
    return costs;
  }

  async function list(database: Database): Promise<void> {
    const listings = new ListingRepository(database);
    const wish: ListWish = { lanes: [rare], limit: 100 };
    const everywhere: ListWish = { lanes: await test.storage.lanes.numbersOf({}), limit: 100 };
    await listings.running(wish);
    await listings.suspects(everywhere);
    const { found } = await listings.ready(everywhere);
    expect(found).toHaveLength(100);
    expect((await listings.ready(wish)).found).toHaveLength(5);
    await listings.ready({ ...everywhere, after: found[99] });
    expect((await listings.byLane('ready', { limit: 100 })).found).toHaveLength(100);
    expect((await listings.byLane('ready', wish)).end).toBeDefined();
    await listings.byLane('suspect', wish);
    await listings.byLane('fair', wish);
    expect((await listings.scheduled(wish)).end).toBeDefined();
    await listings.scheduled({ limit: 100 });
    expect((await listings.deadLetters(wish)).found).toHaveLength(2);
    await listings.deadLetters(everywhere);
    expect((await listings.deadLetters({ limit: 100 })).found).toHaveLength(100);
    expect((await listings.by('errorKey', 'none', { limit: 100 })).found).toEqual([]);
    expect((await listings.archive(wish, { states: ['succeeded'] })).end).toBeDefined();
    expect((await listings.archive({ limit: 100 }, { states: ['succeeded'] })).found).toHaveLength(
      100,
    );
    expect((await listings.by('fingerprint', 'tag-5000', { limit: 100 })).found).toHaveLength(100);
    expect((await listings.by('uniqueKey', 'key-5000', { limit: 100 })).found).toHaveLength(1);
    expect((await listings.by('group', 'group-7', { limit: 100 })).found).toHaveLength(100);
    expect((await listings.by('workflowId', 'flow-7', { limit: 100 })).found).toHaveLength(100);
    const inGroup = { states: ['succeeded'] as const, group: 'group-7' };
    expect((await listings.archive({ limit: 100 }, inGroup)).end).toBeDefined();
    await listings.find(
      found.map((key) => key.id),
      { queue: 'mail' },
    );
  }

  async function change(database: Database): Promise<void> {
    const revivals = new RevivalRepository(database);
    const listings = new ListingRepository(test.storage.database);
    const some = async (place: 'deadLetters' | 'scheduled' | 'ready') =>
      (await listings[place]({ lanes: [busy], limit: BATCH })).found.map((key) => key.id);
    expect(await revivals.revive(await some('deadLetters'), TERMINAL_STATES)).toHaveLength(BATCH);
    expect(await revivals.promoteNow(await some('scheduled'))).toHaveLength(BATCH);
    expect(await revivals.purgeEnded(await some('deadLetters'), TERMINAL_STATES)).toBe(BATCH);
    expect(await revivals.purgeWaiting(await some('ready'))).toBe(BATCH);
    expect(
      await revivals.liveKeys(
        Array.from({ length: BATCH }, (_, n) => ({ queue: 'mail', uniqueKey: `key-${n}00` })),
      ),
    ).toBeDefined();
  }

  const analyseTwenty = async () => {
    await test.rows.clear();
    await test.rows.jobs(20);
    await test.database.query('analyze');
    for (const table of HOT.slice(0, 5))
      await test.database.query(`delete from simple_queue.${table}`);
  };

  it.each([
    ['on tables that were empty and never analysed', () => test.rows.clear()],
    ['on tables that were analysed at 20 rows', analyseTwenty],
  ])('never walk a table and touch few pages: %s', async (_, prepare) => {
    await prepare();
    await fill();
    const costs = await work();
    const [server] = await test.database.query<{ version: number }>(
      `select current_setting('server_version_num')::int / 10000 as version`,
    );
    const old = server!.version < 18 ? BEFORE_18 : {};
    const isDear = ({ name, walked, removed, blocks }: Cost) =>
      walked.some((table) => HOT.some((hot) => table.startsWith(hot))) ||
      removed > (old[name]?.removed ?? REMOVED[name] ?? 300) ||
      blocks > (old[name]?.blocks ?? BLOCKS[name] ?? 3_000);
    expect(costs.filter(isDear)).toEqual([]);
    expect(costs.length).toBeGreaterThan(20);
  });

  it('look up no more jobs than a page of what runs has', async () => {
    const { database, costs } = explaining(test.storage.database);
    const { found } = await new ListingRepository(database).running({ limit: 100 });
    expect(found).toHaveLength(100);
    expect(costs[0]!.blocks).toBeLessThan(2_500);
  });

  it('find what is rare page by page, each of them bounded', async () => {
    const admin = new QueueAdmin(test.storage, test.options);
    const found: string[] = [];
    let pages = 0;
    let after: string | undefined;
    do {
      const { jobs, next } = await admin.jobs({ queue: 'rare' }, { after });
      found.push(...jobs.map((job) => job.id));
      after = next;
      pages++;
    } while (after !== undefined);
    expect(new Set(found).size).toBe(found.length);
    // 1 running, 5 ready, 1 scheduled, 2 dead, 2 archived.
    expect(found).toHaveLength(11);
    expect(pages).toBeGreaterThan(1);
    expect(await admin.explain(randomUUID())).toMatchObject({ reasons: [{ code: 'UNKNOWN' }] });
  });
});
