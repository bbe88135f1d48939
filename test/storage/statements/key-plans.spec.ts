import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Lane } from '../../../lib/job/lane.js';
import { KeyRepository } from '../../../lib/storage/limits/key.repository.js';
import { ListingRepository } from '../../../lib/storage/reading/listing.repository.js';
import { GroupRepository } from '../../../lib/storage/groups/group.repository.js';
import { DECLARE_LIMIT } from '../../../lib/storage/limits/declare-limit.sql.js';
import { patient } from '../../support/patience.mjs';
import { explaining, type Cost, withoutAutovacuum } from '../../support/plans.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const TABLES = ['job', 'keyed', 'permit', 'key_change', 'key_bucket', 'ready'];
/** Keys, or jobs, that each statement is given here. */
const GIVEN: Record<string, number> = {
  hand_permits: 400,
  settle_keyed: 400,
  ask_keys: 1_000,
  list_keyed: 100,
  explain_key: 50,
};
const BLOCKS = 1_000;
const BLOCKS_A_JOB = 250;
/** PostgreSQL 13 and 15 read the keyed jobs of a page's lanes whole, for an operator: 60,000 of them here. */
const LISTED_BEFORE_18 = 40_000;

/** Every statement about keys on tables of 60,000 jobs that the planner takes for small. */
describe('plans of limits per key on large tables', () => {
  let test: TestStorage;
  let lane: Lane;

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    lane = await test.storage.lanes.of('mail', '');
    await withoutAutovacuum(test.database);
  });
  afterAll(() => test.close());

  /** 5,000 keys of ten jobs, of which two may run; one of 10,000; in 200 keys one of the two has ended. */
  async function fill(): Promise<void> {
    await test.storage.database.callers.run(DECLARE_LIMIT, [0, 'mail/*', true, 2, 100, 1_000, 10, 100, false, '{}', null]); // prettier-ignore
    await test.database.query(
      `create temp table filled as select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id, now() as run_at,
         case when n > 50000 then 'long' else 'k' || n % 5000 end as limit_key,
         case when n > 50000 then n - 50001 else (n - 1) / 5000 end as turn from generate_series(1, 60000) n`,
    );
    const as = `${lane.id} as lane, ${lane.queueId} as queue, 0 as shard`;
    for (const insert of [
      `job (id, shard, lane, queue, run_at, payload, limit_key, options) select id, shard, lane, queue, run_at, '{}', limit_key, '{"limitKey": "x"}'`,
      `permit (id, shard, limit_key, queue, slot) select id, shard, limit_key, queue, turn`,
      `keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch) select limit_key, shard, queue, 0, run_at, id, lane, 0`,
      `ready (lane, shard, priority, run_at, id, epoch) select lane, shard, 0, run_at, id, 0`,
    ]) {
      const which = { permit: 'turn < 2', keyed: 'turn > 1', ready: 'turn = 1' }[insert.split(' ')[0]!]; // prettier-ignore
      await test.database.query(
        `insert into simple_queue.${insert} from (select *, ${as} from filled) f where ${which ?? 'true'}`,
      );
    }
    await test.database.query('drop table filled');
  }

  async function work(): Promise<Cost[]> {
    const { database, costs } = explaining(test.storage.database);
    const keys = new KeyRepository(database);
    const done = await test.database.query<{ id: string }>(
      `select id from simple_queue.permit where slot = 0 and limit_key < 'k2' order by limit_key limit 200`,
    );
    const successes = done.map(({ id }) => ({ id, epoch: 0, runMs: 1, keepMs: undefined, output: undefined })); // prettier-ignore
    const paced = (rate: string) => test.database.query(`update simple_queue.fleet_limit set (rate, per_ms, step_ms, burst) = (${rate})`); // prettier-ignore
    await paced('null, null, null, null');
    expect(
      await new GroupRepository(database).settle('w', successes, { isKeyed: true }),
    ).toMatchObject({
      keys: false,
      lanes: [lane.id],
    });
    await test.database.query(
      `insert into simple_queue.key_change (shard, limit_key, queue) select shard, limit_key, queue from simple_queue.permit where slot = 0 and limit_key < 'k2' order by limit_key limit 200`,
    );
    await test.database.query(
      `delete from simple_queue.permit where slot = 0 and limit_key < 'k2'`,
    );
    await paced('100, 1000, 10, 100');
    expect(await keys.handPermits()).toMatchObject({ looked: 200, lanes: [lane.id] });
    const [waiting] = await test.database.query<{ id: string }>(
      `select id from simple_queue.keyed where limit_key = 'long' order by id desc limit 1`,
    );
    expect(await keys.explain(waiting!.id, 1_000)).toMatchObject({ held: 2, ahead: 1_001 });
    await keys.askSome();
    const listings = new ListingRepository(database);
    const { found } = await listings.keyed({ limit: 100 });
    await listings.keyed({ limit: 100, after: found.at(-1) });
    await keys.purgeBuckets();
    return costs;
  }

  const empty = async () => {
    for (const table of TABLES) await test.database.query(`delete from simple_queue.${table}`);
    for (const table of TABLES) await test.database.query(`vacuum simple_queue.${table}`);
  };

  it.each([
    ['on tables that were empty and never analysed', () => test.rows.clear()],
    ['on tables that were emptied and vacuumed without truncation', empty],
  ])(
    'never walk a table and touch few pages: %s',
    async (_, prepare) => {
      await prepare();
      await fill();
      const costs = await work();
      const [server] = await test.database.query<{ isOld: boolean }>(
        `select current_setting('server_version_num')::int < 180000 as "isOld"`,
      );
      const { isOld } = server!;
      for (const { name, walked, removed, blocks } of costs) {
        const given = GIVEN[name] ?? 0;
        const large = walked.filter((table) => ['job', 'keyed', 'permit'].includes(table));
        expect({ name, large }).toEqual({ name, large: [] });
        const most =
          isOld && name === 'list_keyed' ? LISTED_BEFORE_18 : BLOCKS + BLOCKS_A_JOB * given;
        const dear = removed > 100 + 6 * given || blocks > most;
        expect({ name, removed, blocks, dear }).toEqual({ name, removed, blocks, dear: false });
      }
      const names = new Set(costs.map((cost) => cost.name));
      for (const name of Object.keys(GIVEN)) expect(names).toContain(name);
    },
    patient(60_000),
  );
});
