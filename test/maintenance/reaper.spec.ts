import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import { Reaper } from '../../lib/maintenance/reaper.js';
import { QueuePolicies } from '../../lib/options/queue-policy.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';
import { checkPlaces } from '../support/check-places.js';

const FROM_THE_FIRST = {
  priority: -32_768,
  runAt: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
  upto: 32_767,
};

describe('the reaper', () => {
  let test: TestStorage;
  let reaped: unknown[];

  beforeAll(async () => {
    test = await aStorage();
    test.events.on('reaped', (event) => void reaped.push(event));
  });
  beforeEach(async () => {
    reaped = [];
    await test.rows.clear();
  });
  afterAll(() => test.close());

  const reap = () => new Reaper(aSite(test, { reaperIntervalMs: 1_000 })).round();

  it('expires leases and gives back what they held, in one round', async () => {
    const silent = await test.rows.lease('-1 second');
    const job = await test.rows.job({ state: 'running', lease: silent });
    const alive = await test.rows.job({ state: 'running' });

    await reap();

    expect(await test.storage.jobs.find(job.id)).toMatchObject({ state: 'ready' });
    expect(await test.storage.jobs.find(alive.id)).toMatchObject({ state: 'running' });
    expect(reaped).toEqual([{ leases: 1, jobs: 1, poisoned: 0, cancelled: 0, expired: [] }]);
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('tells all of a process that held nothing: it may have been the one that knew when jobs are due', async () => {
    await test.rows.lease('-1 second');
    const told: unknown[] = [];
    const stop = test.storage.signals.receive((signal) => void told.push(signal));

    await reap();
    stop();

    expect(told).toEqual([expect.objectContaining({ later: true })]);
  });

  it.each([
    ['block', 'Group "a" of queue "work" is blocked by job '],
    ['halt', 'Group "a" of queue "work" and every ordered group of the queue is halted by job '],
    ['skip', undefined],
  ] as const)(
    'says whose turn is held by a job that it poisoned, where dead jobs %s',
    async (onDeadJob, message) => {
      const warnings: { code: string; message: string }[] = [];
      const stop = test.events.on('warning', (warning) => void warnings.push(warning));
      const enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, test.events);
      const { id } = await enqueuer.enqueue('work', { payload: 1, group: 'a', ordered: true }, {});
      const lanes = [
        { lane: (await test.rows.lane('work')).id, wanted: 1, ranges: [FROM_THE_FIRST] },
      ];
      await test.storage.claims.settleAndClaim('w', [], [], {
        claimId: randomUUID(),
        lease: randomUUID(),
        lanes,
        limit: 1,
      });
      await test.database.query(
        'update simple_queue.job set suspicion = 3, stalls = 2 where id = $1',
        [id],
      );

      await new Reaper(aSite(test, { queues: { work: { onDeadJob } } })).round();

      stop();
      expect(warnings).toEqual(
        message
          ? [{ code: 'GROUP_BLOCKED', message: expect.stringContaining(`${message}${id}`) }]
          : [],
      );
      expect(reaped).toEqual([{ leases: 0, jobs: 1, poisoned: 1, cancelled: 0, expired: [] }]);
    },
  );

  it('goes by what the workers of a queue have said of its ends, whatever its own options say', async () => {
    const { storage, database, rows } = test;
    const HOUR_MS = 3_600_000;
    const own = resolveOptions({
      maxStalls: 1,
      archive: false,
      deadLetter: { keepMs: HOUR_MS },
      queues: { work: { onDeadJob: 'skip' } },
    });
    const lanes = [(await rows.lane('work')).id];
    const policies = new QueuePolicies(own.options).ends();
    await storage.leases.take(randomUUID(), 'w', 60_000, { lanes, policies });

    const enqueuer = new Enqueuer(storage, resolveOptions({}).options, test.events);
    const group = { group: 'a', ordered: true } as const;
    const { id } = await enqueuer.enqueue('work', { payload: 1, ...group }, {});
    const next = await enqueuer.enqueue('work', { payload: 2, ...group }, {});
    await storage.claims.settleAndClaim('w', [], [], {
      claimId: randomUUID(),
      lease: randomUUID(),
      lanes: [{ lane: lanes[0]!, wanted: 1, ranges: [FROM_THE_FIRST] }],
      limit: 1,
    });
    await database.query('update simple_queue.job set suspicion = 3 where id = $1', [id]);
    const gone = { state: 'running', lease: randomUUID() } as const;
    const suspect = await rows.job({ ...gone, queue: 'work', suspicion: 1 });
    const elsewhere = await rows.job({ ...gone, queue: 'other', suspicion: 1 });
    await rows.job({ ...gone, queue: 'work', cancelRequested: true });
    const warnings: unknown[] = [];
    const stop = test.events.on('warning', (warning) => void warnings.push(warning));
    await reap();
    stop();
    expect([reaped, warnings]).toEqual([
      [{ leases: 0, jobs: 4, poisoned: 1, cancelled: 1, expired: [] }],
      [],
    ]);
    const kept = `select extract(epoch from expires_at - finished_at)::int * 1000 as ms from simple_queue`;
    expect(await database.query(`${kept}.dead_letter`)).toEqual([{ ms: HOUR_MS }]);
    expect(await database.query(`${kept}.archive`)).toEqual([]);
    const suspicion = async (job: string) =>
      (await database.query('select suspicion from simple_queue.job where id = $1', [job]))[0];
    expect(await suspicion(suspect.id)).toEqual({ suspicion: 3 });
    expect(await suspicion(elsewhere.id)).toEqual({ suspicion: 2 });
    expect(await database.query('select from simple_queue.vacant')).toHaveLength(1);
    expect(await storage.jobs.find(next.id)).toBeDefined();
    await database.query('update simple_queue.queue set policy = null');
  });

  it('counts what it poisoned and what it cancelled', async () => {
    const lease = await test.rows.lease('-1 second');
    await test.rows.job({ state: 'running', lease, suspicion: 3, stalls: 2 });
    await test.rows.job({ state: 'running', lease, cancelRequested: true });
    await reap();
    expect(reaped).toEqual([{ leases: 1, jobs: 2, poisoned: 1, cancelled: 1, expired: [] }]);
  });

  it('goes through all pages, full ones too', async () => {
    const lease = await test.rows.lease('-1 second');
    await test.rows.jobs(40, { state: 'running', lease });
    await reap();
    expect(reaped).toEqual([{ leases: 1, jobs: 40, poisoned: 0, cancelled: 0, expired: [] }]);
    expect(await test.database.query('select from simple_queue.claim')).toEqual([]);
  });

  it('says nothing when there was nothing, and rests a jittered interval', async () => {
    const rests = [await reap(), await reap(), await reap()];
    expect(reaped).toEqual([]);
    for (const restMs of rests) expect(restMs >= 800 && restMs <= 1_200).toBe(true);
  });
});
