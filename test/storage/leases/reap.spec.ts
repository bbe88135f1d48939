import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Reaper } from '../../../lib/maintenance/reaper.js';
import type { LeaseRepository, ReapRules } from '../../../lib/storage/leases/lease.repository.js';
import { eventually } from '../../support/eventually.js';
import { recordStatements } from '../../support/recorded-statements.js';
import { aSite } from '../../support/site.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const RULES: ReapRules = {
  maxStalls: 3,
  deadLetter: { '': 30 * DAY_MS },
  archive: { '': DAY_MS },
  onDeadJob: { '': 'block' },
};
const FIRST = '00000000-0000-0000-0000-000000000000';

describe('reaping', () => {
  let test: TestStorage;
  let leases: LeaseRepository;

  beforeAll(async () => {
    test = await aStorage();
    leases = test.storage.leases;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const reap = (rules: Partial<typeof RULES> = {}) => leases.reap({ ...RULES, ...rules }, FIRST);
  const find = (id: string) => test.storage.jobs.find(id);
  const rowOf = async (id: string) =>
    (await test.database.query('select * from simple_queue.job where id = $1', [id]))[0];
  const claims = async () =>
    (await test.database.query<{ id: string }>('select id from simple_queue.claim')).map(
      (row) => row.id,
    );
  /** A lease that is gone: its worker died, before the first heartbeat or after the last. */
  const gone = () => randomUUID();

  it("gives a silent worker's jobs back as suspects, at the next epoch, and frees its claim", async () => {
    const job = await test.rows.job({ state: 'running', lease: gone(), attempt: 1, epoch: 4 });

    expect(await reap()).toMatchObject({
      claims: 1,
      jobs: 1,
      poisoned: 0,
      cancelled: 0,
      last: job.claim,
    });

    expect(await rowOf(job.id)).toMatchObject({ epoch: 5, suspicion: 1, attempt: 1, stalls: 0 });
    expect(await find(job.id)).toMatchObject({ state: 'ready' });
    expect(await claims()).toEqual([]);
  });

  it('leaves a job that was just claimed under a live lease', async () => {
    const job = await test.rows.job({ state: 'running', lease: await test.rows.lease('1 second') });
    expect(await reap()).toMatchObject({ claims: 0, jobs: 0, last: null });
    expect(await find(job.id)).toMatchObject({ state: 'running' });
  });

  it('leaves a claim whose lease has run out until that lease is expired', async () => {
    const job = await test.rows.job({
      state: 'running',
      lease: await test.rows.lease('-1 second'),
    });
    expect(await reap()).toMatchObject({ jobs: 0 });
    expect(await leases.expire()).toMatchObject([{ worker: 'worker-1' }]);
    expect(await reap()).toMatchObject({ jobs: 1 });
    expect(await find(job.id)).toMatchObject({ state: 'ready' });
  });

  it('reaps a crash before the first heartbeat: the lease of the start runs out like any other', async () => {
    const lease = randomUUID();
    await leases.take(lease, 'short-lived', 1);
    const job = await test.rows.job({ state: 'running', lease });
    await eventually(async () =>
      expect(await leases.expire()).toMatchObject([{ worker: 'short-lived' }]),
    );
    expect(await reap()).toMatchObject({ claims: 1, jobs: 1 });
    expect(await find(job.id)).toMatchObject({ state: 'ready', attempt: 0 });
  });

  it('reaps a crash on the last attempt like any other', async () => {
    const job = await test.rows.job({ state: 'running', lease: gone(), attempt: 2 });
    await test.database.query(`update simple_queue.job set options = '{"maxAttempts":3}'`);
    await reap();
    expect(await find(job.id)).toMatchObject({ state: 'ready', attempt: 2 });
  });

  it('raises the suspicion to one, two, then alone, and counts stalls from the third crash on', async () => {
    const { id } = await test.rows.job({ state: 'running', lease: gone() });
    const seen: unknown[] = [];
    for (let crash = 0; crash < 5; crash++) {
      await reap();
      const row = await rowOf(id);
      seen.push([row?.suspicion, row?.stalls]);
      if (!row) break;
      await test.database.query('delete from simple_queue.suspect');
      await test.rows.claim([{ id, epoch: Number(row.epoch) }], gone());
    }
    expect(seen).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
      [3, 2],
      [undefined, undefined],
    ]);
  });

  it('poisons a job at its last stall, and only where it ran alone', async () => {
    const guilty = await test.rows.job({
      state: 'running',
      lease: gone(),
      suspicion: 3,
      stalls: 2,
      attempt: 1,
      uniqueKey: 'key',
    });
    const innocent = await test.rows.job({
      state: 'running',
      lease: gone(),
      suspicion: 2,
      stalls: 2,
    });
    const accompanied = await test.rows.job({
      state: 'running',
      lease: gone(),
      suspicion: 4,
      stalls: 2,
    });

    expect(await reap()).toMatchObject({ jobs: 3, poisoned: 1 });

    const found = await find(guilty.id);
    expect(found).toMatchObject({
      state: 'poisoned',
      stalls: 3,
      attempt: 1,
      uniqueKey: 'key',
      payload: { n: 1 },
    });
    expect(found?.lastError).toMatchObject({
      code: 'JOB_POISONED',
      message: expect.stringContaining('died 3 times'),
    });
    expect(await rowOf(innocent.id)).toMatchObject({ suspicion: 3, stalls: 3 });
    expect(await rowOf(accompanied.id)).toMatchObject({ suspicion: 5, stalls: 2 });
  });

  it('keeps what ends though the row of its queue is gone, as for a queue that has said nothing', async () => {
    const job = (suspicion: number) =>
      test.rows.job({ state: 'running', lease: gone(), suspicion, stalls: 2 });
    const [poisoned, cancelled] = [await job(3), await job(0)];
    await test.database.query(
      'update simple_queue.job set cancel_at = now() where id = $1', [cancelled.id]); // prettier-ignore
    await test.database.query('update simple_queue.job set queue = -1');

    expect(await reap()).toMatchObject({ jobs: 2, poisoned: 1, cancelled: 1 });

    expect(await find(poisoned.id)).toMatchObject({ state: 'poisoned' });
    expect(await find(cancelled.id)).toMatchObject({ state: 'cancelled' });
  });

  it('runs a job alone after its second crash where one stall poisons', async () => {
    const { id } = await test.rows.job({ state: 'running', lease: gone(), suspicion: 1 });
    await reap({ maxStalls: 1 });
    expect(await rowOf(id)).toMatchObject({ suspicion: 3, stalls: 0 });
  });

  it('ends jobs whose cancel was requested as cancelled, also where they would be poisoned, and also where nothing is kept', async () => {
    const kept = await test.rows.job({ state: 'running', lease: gone(), cancelRequested: true });
    expect(await reap()).toMatchObject({ jobs: 1, cancelled: 1 });
    expect(await find(kept.id)).toMatchObject({ state: 'cancelled' });

    const both = await test.rows.job({
      state: 'running',
      lease: gone(),
      cancelRequested: true,
      suspicion: 3,
      stalls: 9,
    });
    expect(await reap({ archive: { '': DAY_MS, mail: null } })).toMatchObject({
      poisoned: 0,
      cancelled: 1,
    });
    expect(await find(both.id)).toBeUndefined();
  });

  it('does not touch a job of the claim that has left it', async () => {
    const lease = gone();
    const retried = await test.rows.job({ state: 'ready', epoch: 1 });
    const ended = randomUUID();
    await test.rows.claim(
      [
        { id: retried.id, epoch: 0 },
        { id: ended, epoch: 0 },
      ],
      lease,
    );

    expect(await reap()).toMatchObject({ claims: 1, jobs: 0 });

    expect(await rowOf(retried.id)).toMatchObject({ epoch: 1, suspicion: 0 });
    expect(await claims()).toEqual([]);
  });

  it('leaves a job that an open transaction is completing, and its claim, for the next round', async () => {
    const rival = await Rival.connect(test.database);
    const lease = gone();
    const slow = await test.rows.job({ state: 'running', lease });
    const other = await test.rows.job();
    await test.database.query('delete from simple_queue.ready');
    await test.database.query(
      'update simple_queue.claim set jobs = jobs || $1::uuid, epochs = epochs || 0',
      [other.id],
    );
    await rival.begin();
    await rival.query('delete from simple_queue.job where id = $1', [slow.id]);

    expect(await reap()).toMatchObject({ claims: 1, jobs: 1 });
    expect(await claims()).toEqual([slow.claim]);
    expect(await find(other.id)).toMatchObject({ state: 'ready' });

    await rival.commit();
    await rival.close();
    expect(await reap()).toMatchObject({ claims: 1, jobs: 0 });
    expect(await claims()).toEqual([]);
  });

  it('takes it in the next round when that transaction rolls back', async () => {
    const rival = await Rival.connect(test.database);
    const slow = await test.rows.job({ state: 'running', lease: gone() });
    await rival.begin();
    await rival.query('delete from simple_queue.job where id = $1', [slow.id]);
    expect(await reap()).toMatchObject({ claims: 1, jobs: 0 });
    await rival.rollback();
    await rival.close();
    expect(await reap()).toMatchObject({ claims: 1, jobs: 1 });
    expect(await claims()).toEqual([]);
  });

  it('is not stopped by claims that cannot be freed: those behind them are reaped in the same round', async () => {
    const rival = await Rival.connect(test.database);
    const stuck = await test.rows.jobs(45, { state: 'running', lease: gone() });
    await rival.begin();
    await rival.query('select from simple_queue.job for update');
    const free = await test.rows.jobs(30, { state: 'running', lease: gone() });
    const reaped: unknown[] = [];
    test.events.on('reaped', (event) => void reaped.push(event));

    await new Reaper(aSite(test)).reap();

    for (const { id } of free) expect(await rowOf(id)).toMatchObject({ epoch: 1 });
    expect((await claims()).toSorted()).toEqual(stuck.map((job) => job.claim).toSorted());
    expect(reaped).toEqual([{ leases: 0, jobs: 30, poisoned: 0, cancelled: 0, expired: [] }]);
    await rival.rollback();
    await rival.close();
  });

  it('tells of jobs that ended with their process, as of any other end', async () => {
    const lane = { queue: 'told', name: 'mail' };
    const dead = await test.rows.job({
      ...lane,
      state: 'running',
      lease: gone(),
      suspicion: 3,
      stalls: 2,
    });
    const stopped = await test.rows.job({ ...lane, state: 'running', lease: gone() });
    await test.database.query('update simple_queue.job set cancel_at = now() where id = $1', [
      stopped.id,
    ]);
    const told: unknown[] = [];
    const stops = (['failed', 'cancelled'] as const).map((name) =>
      test.events.on(name, (event) => void told.push({ is: name, ...event })),
    );

    await new Reaper(aSite(test)).reap();

    stops.forEach((stop) => stop());
    expect(told).toHaveLength(2);
    expect(told).toEqual(
      expect.arrayContaining([
        {
          is: 'failed',
          ...lane,
          id: dead.id,
          attempt: 1,
          state: 'poisoned',
          runMs: 0,
          error: expect.objectContaining({ name: 'QueueError', code: 'JOB_POISONED' }),
        },
        {
          is: 'cancelled',
          ...lane,
          id: stopped.id,
          attempt: 1,
          reason: 'It was asked to stop, and its process died.',
        },
      ]),
    );
  });

  it('is one statement where nothing lapsed and every claim has its lease', async () => {
    const reaper = new Reaper(aSite(test));
    const reaped = async () => {
      const recorded = recordStatements();
      const { jobs } = await reaper.reap().finally(recorded.stop);
      return { jobs, statements: recorded.names };
    };
    await test.rows.job({ state: 'running', lease: await test.rows.lease('1 minute') });
    expect(await reaped()).toEqual({ jobs: 0, statements: ['expire_leases'] });
    // Whoever has deleted the lease died before it came to the claim.
    await test.rows.job({ state: 'running', lease: gone() });
    expect(await reaped()).toEqual({ jobs: 1, statements: ['expire_leases', 'reap_claims'] });
    await test.rows.lease('-1 second');
    expect(await reaped()).toEqual({ jobs: 0, statements: ['expire_leases', 'reap_claims'] });
  });

  it('gives each job back once, however many reap at the same time', async () => {
    const jobs = await test.rows.jobs(50, { state: 'running', lease: gone() });
    const reaper = new Reaper(aSite(test));

    await Promise.all(Array.from({ length: 6 }, () => reaper.reap()));

    for (const { id } of jobs) expect(await rowOf(id)).toMatchObject({ epoch: 1, suspicion: 1 });
    expect(await claims()).toEqual([]);
  });

  it('lets exactly one of the reaper and a late success win', async () => {
    for (let round = 0; round < 15; round++) {
      const job = await test.rows.job({ state: 'running', lease: gone() });
      const success = { id: job.id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined };
      const wish = { claimId: randomUUID(), lease: randomUUID(), lanes: [], limit: 0 };
      const [reaped, settled] = await Promise.all([
        reap(),
        test.storage.claims.settleAndClaim('w', [success], [job.claim], wish),
      ]);
      expect(reaped.jobs).toBe(settled.lost.length);
      expect((await find(job.id))?.state).toBe(reaped.jobs === 1 ? 'ready' : 'succeeded');
    }
  });
});
