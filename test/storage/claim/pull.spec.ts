import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Run } from '../../../lib/storage/connection/database.js';
import { PullRepository, type HeldJob } from '../../../lib/storage/claim/pull.repository.js';
import { CLOSE_PULLED, RENEW_PULLED } from '../../../lib/storage/claim/pull-lease.sql.js';
import { explaining, withoutAutovacuum } from '../../support/plans.js';
import {
  aStorage,
  Rival,
  runIn,
  waitingBackends,
  type TestStorage,
} from '../../support/storage.js';
import { eventually } from '../../support/eventually.js';
import { aGate } from '../../support/gate.js';
import { checkPlaces } from '../../support/check-places.js';

const RULES = {
  maxStalls: 3,
  deadLetter: { '': 60_000 },
  archive: { '': 60_000 },
  onDeadJob: { '': 'block' as const },
};

describe('pulled claims', () => {
  let test: TestStorage;
  let pulls: PullRepository;
  let lane: number;

  beforeAll(async () => {
    test = await aStorage();
    await withoutAutovacuum(test.database);
    pulls = test.storage.pulls;
    lane = (await test.storage.lanes.of('mail', '')).id;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const claim = async ({ worker = 'w', lanes = [lane], limit = 10, suspects = 1 } = {}) => {
    const lease = randomUUID();
    return {
      lease,
      rows: await pulls.claim({ lease, worker, leaseMs: 60_000, lanes, limit, suspects }),
    };
  };
  const count = async (table: string) =>
    (
      await test.database.query<{ n: number }>(
        `select count(*)::int as n from simple_queue.${table}`,
      )
    )[0]!.n;
  const succeed = async ({ id, epoch, worker }: HeldJob, run: Run) =>
    (await test.storage.settlements.complete(run, worker, {
      id,
      epoch,
      runMs: 1,
      keepMs: 60_000,
      output: undefined,
    })) || undefined;
  const outlive = (lease: string) =>
    test.database.query(
      `update simple_queue.lease set expires_at = now() - interval '1 second' where id = $1`,
      [lease],
    );

  it('have one claim and one lease of the same id, and write nothing when they are empty', async () => {
    const { lease } = await claim();
    expect([await count('claim'), await count('lease')]).toEqual([0, 0]);

    await test.rows.jobs(2);
    const full = await claim({ worker: 'agent-7' });
    expect(full.rows).toHaveLength(2);
    expect(full.lease).not.toBe(lease);
    expect(
      await test.database.query(
        `select id, lease, cardinality(jobs) as jobs from simple_queue.claim`,
      ),
    ).toEqual([{ id: full.lease, lease: full.lease, jobs: 2 }]);
    expect(
      await test.database.query(
        `select id, worker, cardinality(jobs) as jobs from simple_queue.lease`,
      ),
    ).toEqual([{ id: full.lease, worker: 'agent-7', jobs: 2 }]);
  });

  it('go with their last job, and leave nothing behind', async () => {
    const jobs = await test.rows.jobs(3);
    const { lease } = await claim();
    for (const [n, { id }] of jobs.entries()) {
      await pulls.settle(lease, id, succeed);
      expect([await count('claim'), await count('lease')]).toEqual(n < 2 ? [1, 1] : [0, 0]);
    }
  });

  it('take their lanes in the given order, and never more than the limit over all', async () => {
    const other = (await test.storage.lanes.of('pdf', '')).id;
    await test.rows.jobs(3);
    await test.rows.jobs(3, { queue: 'pdf' });
    expect(
      (await claim({ lanes: [other, lane], limit: 4 })).rows.map((row) => row.lane).toSorted(),
    ).toEqual([other, other, other, lane].toSorted());
    expect((await claim({ lanes: [other, lane], limit: 4 })).rows).toHaveLength(2);
  });

  it('pass what a rival holds locked, and wait for nobody', async () => {
    await test.rows.jobs(2);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.ready order by run_at, id limit 1 for update');
    expect((await claim()).rows).toHaveLength(1);
    await rival.rollback();
    await rival.close();
  });

  it('bring suspects within their bound, beside others', async () => {
    await test.rows.jobs(3, { state: 'suspect' });
    await test.rows.jobs(3);
    const { rows } = await claim({ limit: 5, suspects: 2 });
    expect(rows.map((row) => row.suspicion).toSorted()).toEqual([0, 0, 0, 1, 1]);
  });

  it('bring a lone suspect to a worker that holds only what has run long, and others beside it only after its time', async () => {
    const aged = (lease: string, age: string) =>
      test.database.query(
        `update simple_queue.lease set created_at = now() - $2::interval where id = $1`,
        [lease, age],
      );
    const [held] = await test.rows.jobs(1);
    const first = await claim({ limit: 1 });
    expect(first.rows).toMatchObject([{ id: held!.id }]);
    // It has begun just now, however long this takes.
    await aged(first.lease, '-1 hour');
    const lone = await test.rows.job({ state: 'suspect', suspicion: 5 });
    expect((await claim()).rows).toEqual([]);
    await aged(first.lease, '6 seconds');
    const second = await claim();
    expect(second.rows).toMatchObject([{ id: lone.id, suspicion: 5 }]);

    await test.rows.jobs(2);
    await aged(second.lease, '10 seconds');
    expect((await claim()).rows).toEqual([]);
    await aged(second.lease, '21 seconds');
    expect((await claim()).rows).toHaveLength(2);
    const [row] = await test.database.query(
      'select suspicion from simple_queue.job where id = $1',
      [lone.id],
    );
    expect(row).toEqual({ suspicion: 6 });
  });

  it.each([
    ['whose worker is one', `'w'`],
    ['of many workers', `'w' || n`],
  ])('read few pages, however many leases are open, %s', async (_, worker) => {
    await test.database.query(`with leases as (
      insert into simple_queue.lease (id, shard, worker, created_at, expires_at, jobs)
        select gen_random_uuid(), 0, ${worker}, now() - interval '1 minute', now() + interval '1 hour', array[gen_random_uuid()]
        from generate_series(1, 20000) n returning id, jobs)
      insert into simple_queue.claim (id, shard, lease, jobs, epochs) select id, 0, id, jobs, '{0}' from leases`);
    await test.rows.job({ state: 'suspect', suspicion: 3 });
    const lane2 = (await test.storage.lanes.of('fair-mail', '')).id;
    const { database, costs } = explaining(test.storage.database);
    const explained = new PullRepository(database);
    const wish = { worker: 'w', leaseMs: 60_000, limit: 10 };
    await explained.claim({ ...wish, lease: randomUUID(), lanes: [lane], suspects: 1 });
    await explained.claim({ ...wish, lease: randomUUID(), lanes: [lane], suspects: 1 });
    await explained.claimFair({ ...wish, lease: randomUUID(), lane: lane2, after: null });
    expect(costs).toHaveLength(4);
    for (const cost of costs)
      expect({ ...cost, few: cost.blocks < 300 && cost.removed < 50 }).toMatchObject({
        few: true,
        walked: [],
      });
    await test.rows.clear();
  });

  it('change their leases in place: neither a renewal nor a settle touches an index', async () => {
    const [job] = await test.rows.jobs(2);
    const { lease } = await claim();
    await test.dataSource.transaction(async (manager) => {
      const run = runIn(test.storage, manager);
      await run(RENEW_PULLED, [0, lease, 60_000]);
      await run(CLOSE_PULLED, [0, lease, job!.id]);
      const changed = `select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_xact_user_tables where relid = 'simple_queue.lease'::regclass`;
      expect(await manager.query(changed)).toEqual([{ all: 2, hot: 2 }]);
    });
  });

  it('do not lapse under a settle, and a settle does not begin under a lapse', async () => {
    const [job] = await test.rows.jobs(1);
    const { lease } = await claim();
    await outlive(lease);
    const [begun, gate] = [aGate(), aGate()];
    const settling = pulls.settle(lease, job!.id, async (held, run) => {
      begun.open();
      await gate.passed;
      return succeed(held, run);
    });
    await begun.passed;
    const reaped = await test.storage.leases.reapAll(RULES);
    expect(reaped).toEqual({
      leases: 0,
      jobs: 0,
      poisoned: 0,
      cancelled: 0,
      expired: [],
      deadJobs: [],
      ended: [],
      hasShares: false,
    });
    gate.open();
    await settling;
    expect(await test.storage.jobs.find(job!.id)).toMatchObject({ state: 'succeeded' });
    expect([await count('lapsed'), await count('lease'), await count('claim')]).toEqual([0, 0, 0]);
  });

  it('are settled all or nothing: what fails half-way changes nothing', async () => {
    const [job] = await test.rows.jobs(1);
    const { lease } = await claim();
    const broken = pulls.settle(lease, job!.id, async (held, run) => {
      await succeed(held, run);
      throw new Error('half-way');
    });
    await expect(broken).rejects.toThrow('half-way');
    expect(await test.storage.jobs.find(job!.id)).toMatchObject({ state: 'running' });
    await pulls.settle(lease, job!.id, succeed);
  });

  it('are settled one after another within a lease, so that the last one knows that it is', async () => {
    const [first, second] = await test.rows.jobs(2);
    const { lease } = await claim();
    const [begun, gate] = [aGate(), aGate()];
    const one = pulls.settle(lease, first!.id, async (held, run) => {
      begun.open();
      await gate.passed;
      return succeed(held, run);
    });
    await begun.passed;
    const two = pulls.settle(lease, second!.id, succeed);
    await eventually(async () => (await waitingBackends(test.database)) === 1);
    gate.open();
    await Promise.all([one, two]);
    expect([await count('claim'), await count('lease')]).toEqual([0, 0]);
  });

  it("are no worker's: a lease of a worker process can neither be renewed nor settled here", async () => {
    const job = await test.rows.job({ state: 'running' });
    for (const wrong of [
      () => pulls.renew(job.lease, 1_000),
      () => pulls.settle(job.lease, job.id, succeed),
    ])
      await expect(wrong()).rejects.toMatchObject({ code: 'LEASE_UNKNOWN' });
    expect(await test.storage.jobs.find(job.id)).toMatchObject({ state: 'running' });
  });

  it('that lapsed are remembered for a day', async () => {
    await test.rows.jobs(1);
    const { lease } = await claim();
    await outlive(lease);
    expect(await test.storage.leases.reapAll(RULES)).toMatchObject({ leases: 1, jobs: 1 });
    await expect(pulls.renew(lease, 1_000)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await test.database.query(
      `update simple_queue.lapsed set lapsed_at = now() - interval '25 hours'`,
    );
    await test.storage.leases.expire();
    await expect(pulls.renew(lease, 1_000)).rejects.toMatchObject({ code: 'LEASE_UNKNOWN' });
  });

  it('of a worker process are not remembered: it holds too much, and asks nobody', async () => {
    await test.rows.lease('-1 second');
    expect(await test.storage.leases.expire()).toHaveLength(1);
    expect(await count('lapsed')).toBe(0);
  });

  it('tell of a job that was taken from under a living lease', async () => {
    const [job, other] = await test.rows.jobs(2);
    const { lease } = await claim();
    await test.database.query(`delete from simple_queue.job where id = $1`, [job!.id]);
    expect(await pulls.renew(lease, 1_000)).toEqual({ lost: [job!.id], cancelled: [] });
    await expect(pulls.settle(lease, job!.id, succeed)).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
    await pulls.settle(lease, other!.id, succeed);
  });
});
