import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FleetLimits } from '../../../lib/limits/fleet-limits.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { eventually } from '../../support/eventually.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';

const DECLARED = { name: 'work', ofQueue: true, concurrency: 10 };

/** Small, seeded, and the same everywhere. */
function seeded(state: number): () => number {
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

describe('shares of a limit', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.storage.limits.declare(DECLARED);
  });
  afterAll(() => test.close());

  const limits = () => test.storage.limits;
  const take = (lease: string, more: number, wanted = more) =>
    limits().take('work', { lease, more, wanted, lanes: [], declares: null });
  const waiting = async () => (await test.database.query(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)).length; // prettier-ignore
  const sums = async () =>
    (
      await test.database.query<{ allotted: number; sum: number; limit: number }>(
        `select allotted, concurrency as limit, coalesce((select sum(n) from simple_queue.allotment), 0)::int as sum from simple_queue.fleet_limit`,
      )
    )[0]!;

  it('are given as far as the limit reaches, and what is wanted beyond stands there for others to see', async () => {
    const [one, other] = [await test.rows.lease(), await test.rows.lease()];

    expect(await take(one, 7)).toBe(7);
    expect(await take(other, 7)).toBe(3);
    expect(await take(one, 1, 8)).toBe(7);

    const { shares, allotted } = (await limits().look('work', []))!;
    expect(allotted).toBe(10);
    expect(shares).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ lease: one, n: 7, wanted: 8 }),
        expect.objectContaining({ lease: other, n: 3, wanted: 7 }),
      ]),
    );
    expect(await limits().give('work', { lease: one, back: 5, wanted: 2 })).toBe(2);
    expect(await take(other, 7)).toBe(8);
    await limits().end('work', one);
    expect(await sums()).toEqual({ allotted: 8, sum: 8, limit: 10 });
  });

  it('are known to a process however many other limits there are', async () => {
    await test.database.query(`insert into simple_queue.fleet_limit (name, shard, of_queue, rule) select 'a' || n, 0, true, '{}' from generate_series(1, 1000) n`); // prettier-ignore
    const { options } = resolveOptions({ limits: { zz: { concurrency: 1 } } });
    const fleet = new FleetLimits({ ...test, options });
    await fleet.declare(undefined);
    expect(fleet.get('zz')).toMatchObject({ concurrency: 1 });
    expect(fleet.all()).toHaveLength(1_002);
  });

  it('are refused to a lease that is gone', async () => {
    expect(await take(randomUUID(), 5)).toBeUndefined();
    expect(await sums()).toMatchObject({ allotted: 0, sum: 0 });
  });

  it('are never given back twice, nor beyond what was had', async () => {
    const lease = await test.rows.lease();
    await take(lease, 4);

    expect(await limits().give('work', { lease, back: 5, wanted: 0 })).toBeUndefined();
    const ends = await Promise.all(Array.from({ length: 8 }, () => limits().end('work', lease)));

    expect(ends).toHaveLength(8);
    expect(await sums()).toMatchObject({ allotted: 0, sum: 0 });
  });

  it('sum up to no more than the limit while twelve take, give, die, are reaped, and the limit changes', async () => {
    const random = seeded(7);
    let highest = 0;
    const holder = async (n: number): Promise<void> => {
      let lease = await test.rows.lease();
      for (let step = 0; step < 40; step++) {
        const what = random();
        if (what < 0.45) await take(lease, 1 + Math.floor(random() * 6));
        else if (what < 0.75)
          await limits().give('work', { lease, back: Math.floor(random() * 4), wanted: 1 });
        else if (what < 0.85) await limits().end('work', lease);
        else if (what < 0.93) {
          await test.database.query('delete from simple_queue.lease where id = $1', [lease]);
          lease = await test.rows.lease();
        } else await limits().freeShares();
        if (n === 0 && step % 5 === 0)
          await limits().set({ ...DECLARED, concurrency: 1 + Math.floor(random() * 20) });
        const { allotted, sum } = await sums();
        expect(allotted).toBe(sum);
        highest = Math.max(highest, allotted);
      }
      await test.database.query('delete from simple_queue.lease where id = $1', [lease]);
    };

    await Promise.all(Array.from({ length: 12 }, (_, n) => holder(n)));

    expect(highest).toBeLessThanOrEqual(20);
    await limits().freeShares();
    expect(await sums()).toMatchObject({ allotted: 0, sum: 0 });
  });

  it('of a lease that is gone are kept until its jobs were put back', async () => {
    const lease = await test.rows.lease();
    await take(lease, 3);
    await test.rows.job({ state: 'running', lease });
    await test.database.query('delete from simple_queue.lease where id = $1', [lease]);

    expect(await limits().freeShares()).toEqual([]);
    await test.database.query('delete from simple_queue.claim where lease = $1', [lease]);
    expect(await limits().freeShares()).toEqual(['work']);
    expect(await sums()).toMatchObject({ allotted: 0, sum: 0 });
  });

  it('of pulled jobs that are settled at the same moment go back, each of them', async () => {
    const lease = await test.rows.lease();
    const wish = { lease, worker: 'w', lanes: [], limit: 2, keepMs: 60_000 };
    const lent = (await limits().lend('work', wish))!;
    await limits().keepLent('work', lease, 2, lent);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select from simple_queue.fleet_limit where name = 'work' for update`);

    const returns = [limits().returnPermit('work', lease), limits().returnPermit('work', lease)];
    await eventually(async () => (await waiting()) === 2);
    await rival.commit();
    await rival.close();
    await Promise.all(returns);

    expect(await sums()).toMatchObject({ allotted: 0, sum: 0 });
    expect(await test.database.query(`select from simple_queue.allotment`)).toEqual([]);
  });

  it('that are kept at last, while a reaper that saw their end waits, are not freed', async () => {
    const lease = randomUUID();
    const lent = (await limits().lend('work', { lease, worker: 'w', lanes: [], limit: 2, keepMs: 0 }))!; // prettier-ignore
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.fleet_limit for update');
    const kept = limits().keepLent('work', lease, 2, lent);
    await eventually(async () => expect(await waiting()).toBe(1));
    const freed = limits().freeShares();
    await eventually(async () => expect(await waiting()).toBe(2));
    await test.rows.job({ state: 'running', lease });
    await rival.commit();
    expect(await kept).toBe(true);
    expect(await freed).toEqual([]);
    expect(await sums()).toMatchObject({ allotted: 2, sum: 2 });
    await rival.close();
  });

  it('that were freed before they are kept are reported as lost', async () => {
    const lease = randomUUID();
    const lent = (await limits().lend('work', { lease, worker: 'w', lanes: [], limit: 2, keepMs: 0 }))!; // prettier-ignore
    expect(await limits().freeShares()).toEqual(['work']);
    expect(await limits().keepLent('work', lease, 1, lent)).toBe(false);
    expect(await sums()).toMatchObject({ allotted: 0, sum: 0 });
  });

  it('are not taken from those who have them when the limit is lowered: nothing is given until they are below it', async () => {
    const lease = await test.rows.lease();
    await take(lease, 8);
    await limits().set({ ...DECLARED, concurrency: 5 });

    expect(await take(lease, 4, 10)).toBe(8);
    await limits().give('work', { lease, back: 4, wanted: 4 });
    expect(await take(lease, 4, 8)).toBe(5);
  });
});

describe('starts of a rate', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
  });
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  const limits = () => test.storage.limits;
  const lanes = async () => {
    await test.rows.jobs(50);
    return test.database.query<{ lane: number }>('select distinct lane from simple_queue.ready').then((rows) => rows.map(({ lane }) => lane)); // prettier-ignore
  };

  it('come at once as far as the burst reaches, then one by one', async () => {
    await limits().declare({
      name: 'work',
      ofQueue: true,
      rate: { limit: 10, perMs: 3_600_000, burst: 4 },
    });

    const first = (await limits().draw('work', { starts: 20, lanes: await lanes() }))!;

    expect(first).toMatchObject({ drawn: 4, stepMs: 360_000, heldMs: 0 });
    expect(first.firstMs).toBeCloseTo(-1_080_000, 0);
    const second = (await limits().draw('work', { starts: 20, lanes: await lanes() }))!;
    expect(second.drawn).toBe(0);
    expect(second.firstMs).toBeGreaterThan(300_000);
  });

  it('are drawn for no more jobs than wait', async () => {
    await limits().declare({ name: 'work', ofQueue: true, rate: { limit: 100, perMs: 1_000 } });
    await test.rows.jobs(3);
    const [{ lane }] = await test.database.query<{ lane: number }>('select distinct lane from simple_queue.ready') as [{ lane: number }]; // prettier-ignore

    expect(await limits().draw('work', { starts: 20, lanes: [lane] })).toMatchObject({
      drawn: 3,
      waiting: 3,
    });
    expect(await limits().draw('work', { starts: 20, lanes: [lane + 1] })).toMatchObject({
      drawn: 0,
      waiting: 0,
    });
  });

  it('that were not used come back only where nobody has drawn behind them', async () => {
    await limits().declare({ name: 'work', ofQueue: true, rate: { limit: 10, perMs: 1_000 } });
    const before = await fullAt();
    const first = (await limits().draw('work', { starts: 2, lanes: await lanes() }))!;
    const second = (await limits().draw('work', { starts: 2, lanes: await lanes() }))!;
    const drawn = await fullAt();

    await limits().giveBackStarts('work', 2, first.fullAt!);
    expect(await fullAt()).toBe(drawn);
    await limits().giveBackStarts('work', 2, second.fullAt!);
    expect(await fullAt()).toBeLessThan(drawn);
    expect(await fullAt()).toBeGreaterThan(before);
  });

  it('of a strict rate are spaced so that none of its windows holds more', async () => {
    await limits().declare({
      name: 'work',
      ofQueue: true,
      rate: { limit: 100, perMs: 1_000, strict: true },
    });

    expect(await limits().draw('work', { starts: 100, lanes: await lanes() })).toMatchObject({
      drawn: 46,
      firstMs: 0,
      stepMs: 11,
    });
  });

  it('are none while the limit rests', async () => {
    await limits().declare({ name: 'work', ofQueue: true, rate: { limit: 10, perMs: 1_000 } });
    await limits().hold('work', true, 3_600_000);

    const drawn = (await limits().draw('work', { starts: 2, lanes: await lanes() }))!;

    expect(drawn.drawn).toBe(0);
    expect(drawn.heldMs).toBeGreaterThan(3_000_000);
  });

  it('do not stay away for longer where the clock was set back', async () => {
    await limits().declare({ name: 'work', ofQueue: true, rate: { limit: 10, perMs: 1_000 } });
    await test.database.query(
      `update simple_queue.fleet_limit set next_at = now() + interval '1 day'`,
    );

    const { firstMs } = (await limits().draw('work', { starts: 2, lanes: await lanes() }))!;

    expect(firstMs).toBeLessThanOrEqual(1_100);
  });

  const fullAt = async (): Promise<number> =>
    (
      await test.database.query<{ at: number }>(
        `select extract(epoch from next_at)::float8 as at from simple_queue.fleet_limit`,
      )
    )[0]!.at;
});
