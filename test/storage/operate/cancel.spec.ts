import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueService } from '../../../lib/queue.service.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import { eventually } from '../../support/eventually.js';
import {
  aStorage,
  Rival,
  runIn,
  type TestStorage,
  waitingBackends,
} from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

describe('cancelling', () => {
  let test: TestStorage;
  let cancels: CancelRepository;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;

  beforeAll(async () => {
    test = await aStorage();
    ({ cancels, claims, jobs, settlements } = test.storage);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const run = () => test.storage.database.callers.run;
  const cancel = (...ids: string[]) => cancels.byId(run(), ids, { '': DAY_MS });
  const claimAll = async (lane: number) => {
    const ranges = [{ priority: -32_768, runAt: '-infinity', id: FIRST_ID, upto: 32_767 }];
    const lanes = [{ lane, wanted: 100, ranges }];
    return (
      await claims.settleAndClaim('w', [], [], {
        claimId: randomUUID(),
        lease: randomUUID(),
        lanes,
        limit: 100,
      })
    ).jobs;
  };

  it.each(['ready', 'scheduled', 'suspect'] as const)(
    'ends a %s job at once and archives all of it',
    async (state) => {
      const job = await test.rows.job({
        state,
        attempt: 1,
        uniqueKey: 'key',
        fingerprint: 'tag',
        priority: 3,
      });

      expect(await cancel(job.id)).toEqual({ cancelled: 1, requested: 0 });

      const found = await jobs.find(job.id);
      expect(found).toMatchObject({
        state: 'cancelled',
        attempt: 1,
        uniqueKey: 'key',
        fingerprint: 'tag',
        priority: 3,
      });
      expect(found?.finishedAt).toBeInstanceOf(Date);
    },
  );

  it('keeps a cancelled job as its own queue says, whatever it was cancelled by', async () => {
    const job = await test.rows.job({ state: 'ready' });
    expect(await cancels.byId(run(), [job.id], { '': DAY_MS, mail: null })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await jobs.find(job.id)).toBeUndefined();
  });

  it.each([
    ['nothing', { archive: null }, undefined],
    ['an hour', { archive: 3_600_000 }, { ms: 3_600_000 }],
    ['what it does not speak of', { maxStalls: 1 }, { ms: DAY_MS }],
  ])('keeps it as the workers of its queue have said, who cancels: %s', async (_, said, kept) => {
    const job = await test.rows.job({ state: 'ready' });
    const declare = (policy: string) =>
      test.database.query('update simple_queue.queue set policy = $1::jsonb', [policy]);
    await declare(JSON.stringify(said));
    await cancel(job.id);
    await declare('{}');
    const [row] = await test.database.query(
      'select extract(epoch from expires_at - finished_at)::int * 1000 as ms from simple_queue.archive where id = $1',
      [job.id],
    );
    expect(row).toEqual(kept);
  });

  it('asks a running job to stop, once, and leaves it where it is', async () => {
    const job = await test.rows.job({ state: 'running' });
    expect(await cancel(job.id)).toEqual({ cancelled: 0, requested: 1 });
    const asked = await jobs.find(job.id);
    expect(asked).toMatchObject({ state: 'running', cancelRequestedAt: expect.any(Date) });

    expect(await cancel(job.id)).toEqual({ cancelled: 0, requested: 0 });
    expect((await jobs.find(job.id))?.cancelRequestedAt).toEqual(asked?.cancelRequestedAt);
  });

  it('leaves what has ended, and what never was', async () => {
    const job = await test.rows.job();
    await cancel(job.id);
    const before = await jobs.find(job.id);
    expect(await cancel(job.id, randomUUID())).toEqual({ cancelled: 0, requested: 0 });
    expect(await jobs.find(job.id)).toEqual(before);
  });

  it('deletes only, where nothing is kept', async () => {
    const job = await test.rows.job();
    expect(await cancels.byId(run(), [job.id], { '': null })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await jobs.find(job.id)).toBeUndefined();
  });

  it('counts a mixed batch, and touches no other job', async () => {
    const waiting = await test.rows.jobs(2);
    const running = await test.rows.job({ state: 'running' });
    const other = await test.rows.job();
    const ids = [...waiting.map((job) => job.id), running.id, randomUUID()];
    expect(await cancel(...ids, ...ids)).toEqual({ cancelled: 2, requested: 1 });
    expect(await jobs.find(other.id)).toMatchObject({ state: 'ready' });
  });

  it("belongs to the caller's transaction", async () => {
    const job = await test.rows.job();
    const order = test.dataSource.transaction(async (manager) => {
      expect(await cancels.byId(runIn(test.storage, manager), [job.id], { '': DAY_MS })).toEqual({
        cancelled: 1,
        requested: 0,
      });
      throw new Error('bad order');
    });
    await expect(order).rejects.toThrow('bad order');
    expect(await jobs.find(job.id)).toMatchObject({ state: 'ready' });
  });

  it('finds by unique key in its queue alone', async () => {
    const mail = await test.rows.job({ queue: 'mail', uniqueKey: 'key' });
    const pdf = await test.rows.job({ queue: 'pdf', uniqueKey: 'key' });
    const by = (queue: string, uniqueKey: string) =>
      cancels.byUniqueKey(run(), { queue, uniqueKey }, { '': DAY_MS });
    expect(await by('mail', 'other')).toEqual({ cancelled: 0, requested: 0 });
    expect(await by('unknown', 'key')).toEqual({ cancelled: 0, requested: 0 });
    expect(await by('mail', 'key')).toEqual({ cancelled: 1, requested: 0 });
    expect(await jobs.find(mail.id)).toMatchObject({ state: 'cancelled' });
    expect(await jobs.find(pdf.id)).toMatchObject({ state: 'ready' });
  });

  it('finds by fingerprint in one queue or in all', async () => {
    for (const queue of ['mail', 'pdf', 'web']) await test.rows.job({ queue, fingerprint: 'tag' });
    await test.rows.job({ queue: 'mail', fingerprint: 'other' });
    const by = (queue?: string) =>
      cancels.byFingerprint(run(), { fingerprint: 'tag', queue }, { '': DAY_MS });
    expect(await by('mail')).toEqual({ cancelled: 1, requested: 0 });
    expect(await by()).toEqual({ cancelled: 2, requested: 0 });
    expect(await by()).toEqual({ cancelled: 0, requested: 0 });
  });

  it('cancels five thousand in batches, running ones among them', async () => {
    const { id: lane, queueId } = await test.rows.lane();
    await test.database.query(
      `with j as (insert into simple_queue.job (id, shard, lane, queue, run_at, fingerprint)
         select gen_random_uuid(), 0, $1, $2, now() - interval '1 second', 'tag' from generate_series(1, 5000) returning *)
       insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, shard, priority, run_at, id, epoch from j`,
      [lane, queueId],
    );
    expect(await claimAll(lane)).toHaveLength(100);

    const counts = await cancels.byFingerprint(run(), { fingerprint: 'tag' }, { '': DAY_MS });

    expect(counts).toEqual({ cancelled: 4_900, requested: 100 });
    const left = await test.database.query('select from simple_queue.job where cancel_at is null');
    expect(left).toEqual([]);
  });

  it('waits for a claim that is under way and then asks the run to stop', async () => {
    const rival = await Rival.connect(test.database);
    const job = await test.rows.job();
    await rival.begin();
    await rival.query('delete from simple_queue.ready where id = $1', [job.id]);
    await rival.query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs) values (gen_random_uuid(), 0, gen_random_uuid(), array[$1::uuid], array[0])`,
      [job.id],
    );

    const cancelling = cancel(job.id);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();
    await rival.close();

    expect(await cancelling).toEqual({ cancelled: 0, requested: 1 });
    expect(await jobs.find(job.id)).toMatchObject({
      state: 'running',
      cancelRequestedAt: expect.any(Date),
    });
  });

  it('ends a blocked job that was changed beside it', async () => {
    const rival = await Rival.connect(test.database);
    const queues = new QueueService(test.storage, test.options, test.events);
    const enqueue = () => queues.enqueue('plain', { n: 1 }, { group: 'a', ordered: true });
    const [, { id }] = [await enqueue(), await enqueue()];
    await rival.begin();
    await rival.query('update simple_queue.blocked set epoch = epoch + 1');
    await rival.query('update simple_queue.job set epoch = epoch + 1 where id = $1', [id]);
    const cancelling = cancel(id);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();
    await rival.close();
    expect(await cancelling).toEqual({ cancelled: 1, requested: 0 });
  });

  it('lets a success that commits first win', async () => {
    const rival = await Rival.connect(test.database);
    const job = await test.rows.job({ state: 'running' });
    await rival.begin();
    await rival.query('delete from simple_queue.job where id = $1', [job.id]);
    const cancelling = cancel(job.id);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();
    await rival.close();
    expect(await cancelling).toEqual({ cancelled: 0, requested: 0 });
  });

  it('races with claims and returns: each job is either cancelled or known to be asked', async () => {
    const { id: lane } = await test.rows.lane();
    for (let round = 0; round < 12; round++) {
      const batch = await test.rows.jobs(8);
      const [counts, claimed] = await Promise.all([
        cancel(...batch.map((job) => job.id)),
        claimAll(lane),
      ]);
      expect(counts.cancelled + counts.requested).toBe(8);
      expect(counts.requested).toBe(claimed.length);
      const change = { delayMs: 0, spent: 1, rescheduled: 0, ran: true } as const;
      const back = await settlements.putBack(
        claimed.map(({ id, epoch }) => ({ id, epoch, change })),
      );
      expect(back.map(({ moved }) => moved)).toEqual(claimed.map(() => false));
      expect(await checkPlaces(test.storage)).toEqual([]);
      await test.rows.clear();
    }
  });

  it('never loses a job that is put back at the same time: it ends at once or its next claim is told', async () => {
    const { id: lane } = await test.rows.lane();
    for (let round = 0; round < 12; round++) {
      const batch = await test.rows.jobs(6, { state: 'running' });
      const change = { delayMs: 0, spent: 1, rescheduled: 0, ran: true } as const;
      await Promise.all([
        settlements.putBack(batch.map(({ id, epoch }) => ({ id, epoch, change }))),
        cancel(...batch.map((job) => job.id)),
      ]);
      const next = await claimAll(lane);
      expect(next.filter((row) => !row.cancelled)).toEqual([]);
      for (const { id } of batch) {
        const found = await jobs.find(id);
        expect(found?.state === 'cancelled' || found?.cancelRequestedAt !== undefined).toBe(true);
      }
      await test.rows.clear();
    }
  });

  it('does not deadlock with itself over the same jobs in opposite orders', async () => {
    const batch = (await test.rows.jobs(60)).map((job) => job.id);
    const counts = await Promise.all([
      cancel(...batch),
      cancel(...batch.toReversed()),
      cancel(...batch),
      cancel(...batch.toReversed()),
    ]);
    expect(counts.reduce((sum, { cancelled }) => sum + cancelled, 0)).toBe(60);
  });
});
