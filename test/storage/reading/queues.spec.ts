import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { QueueRepository } from '../../../lib/storage/reading/queue.repository.js';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const DAY_MS = 86_400_000;

describe('queues as a whole', () => {
  let test: TestStorage;
  let queues: QueueRepository;

  beforeAll(async () => {
    test = await aStorage();
    queues = test.storage.queues;
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.database.query('truncate simple_queue.lane, simple_queue.queue');
  });
  afterAll(() => test.close());

  const failed = async (queue: string) => {
    const job = await test.rows.job({ state: 'running', queue });
    await test.storage.settlements.bury('w', [
      { ...job, verdict: { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS } },
    ]);
  };
  const pausedAt = async (queue: string) => (await queues.list(10, { queue }))[0]!.pausedAt;

  it('are paused and resumed by name, the first pause stays; an unknown one is not made', async () => {
    await test.rows.lane('mail');
    expect(await queues.pause('mail', true)).toBe(true);
    const first = await pausedAt('mail');
    expect(first).toBeInstanceOf(Date);
    await queues.pause('mail', true);
    expect(await pausedAt('mail')).toEqual(first);
    await queues.pause('mail', false);
    expect(await pausedAt('mail')).toBeNull();
    expect(await queues.pause('mial', true)).toBe(false);
    expect(await queues.list(10, { queue: 'mial' })).toEqual([]);
  });

  it('are told with the promotion, so that no claim has to ask', async () => {
    const { queueId } = await test.rows.lane('mail');
    await test.rows.lane('pdf');
    await queues.pause('mail', true);
    expect((await test.storage.claims.promote('-infinity', [])).pausedQueues).toEqual([queueId]);
  });

  it('are listed with what stands where, each queue its own', async () => {
    await test.rows.jobs(2, { queue: 'mail' });
    await test.rows.job({ queue: 'mail', name: 'welcome', due: '-1 minute', priority: 5 });
    await test.rows.job({ queue: 'mail', state: 'suspect' });
    await test.rows.job({ queue: 'mail', state: 'scheduled', due: '2 hours' });
    await test.rows.job({ queue: 'mail', state: 'running' });
    await failed('mail');
    await test.rows.job({ queue: 'pdf', state: 'scheduled', due: '1 hour' });
    await test.rows.lane('web');

    const [mail, pdf, web] = await queues.list(10, { limit: 10 });

    expect(mail).toMatchObject({
      queue: 'mail',
      pausedAt: null,
      ready: 4,
      running: 1,
      scheduled: 1,
      dead: 1,
    });
    expect(mail!.oldestReadyMs).toBeGreaterThan(59_000);
    expect(mail!.oldestReadyMs).toBeLessThan(3_600_000);
    expect(mail!.nextRunAt!.getTime()).toBeGreaterThan(pdf!.nextRunAt!.getTime());
    expect(pdf).toMatchObject({
      queue: 'pdf',
      ready: 0,
      running: 0,
      scheduled: 1,
      dead: 0,
      oldestReadyMs: null,
    });
    expect(web).toMatchObject({
      queue: 'web',
      ready: 0,
      running: 0,
      scheduled: 0,
      nextRunAt: null,
    });
  });

  it('are counted up to a bound, and say when there is more', async () => {
    await test.rows.jobs(4, { queue: 'mail' });
    await test.rows.jobs(4, { queue: 'mail', state: 'scheduled' });
    await test.rows.jobs(2, { queue: 'pdf', state: 'running' });
    const [mail, pdf] = await queues.list(3, { limit: 10 });
    expect(mail).toMatchObject({ ready: 4, allScheduled: 4 });
    expect(pdf).toMatchObject({ ready: 0, running: 2, allRunning: 2, allScheduled: 4 });
  });

  // A fair queue looked empty, however much waited in it.
  it('are counted where they are fair, too', async () => {
    const options = resolveOptions({ queues: { fairly: { fair: true } }, wakeUp: 'off' }).options;
    const service = new QueueService(test.storage, options, new QueueEventBus());
    await service.enqueueMany('fairly', [
      { payload: 1, group: 'a' },
      { payload: 2, group: 'b' },
      { payload: 3 },
    ]);
    await test.database.query(
      `update simple_queue.fair_ready set run_at = run_at - interval '1 minute' where group_name = 'b'`,
    );
    await test.database.query(
      `update simple_queue.job set run_at = run_at - interval '1 minute' where group_name = 'b'`,
    );

    const [fairly] = await queues.list(10, { queue: 'fairly' });
    expect(fairly).toMatchObject({ ready: 3 });
    expect(fairly!.oldestReadyMs).toBeGreaterThan(59_000);
    expect(await queues.lanes(10, ['fairly'])).toMatchObject([{ ready: 3 }]);
  });

  it('say which job waits longest, whatever its lane, priority and place; health leaves out paused queues', async () => {
    const oldest = async () => {
      const { oldestQueue, oldestReadyMs } = await queues.places(10);
      return [oldestQueue, Math.round(oldestReadyMs! / 60_000)];
    };
    const healthy = async () =>
      (await test.storage.health.oldestReady()).map(({ queue, oldestMs }) => [
        queue,
        Math.round(oldestMs / 60_000),
      ]);
    expect(await healthy()).toEqual([]);
    for (const queue of ['mail', 'pdf', 'web']) await test.rows.jobs(2, { queue });
    await test.rows.job({ queue: 'pdf', due: '-2 minutes', priority: 7 });
    expect(await oldest()).toEqual(['pdf', 2]);
    await test.rows.job({ queue: 'web', name: 'odd', due: '-3 minutes', priority: -7 });
    expect(await oldest()).toEqual(['web', 3]);
    await test.rows.job({ queue: 'mail', state: 'suspect', due: '-4 minutes' });
    expect(await oldest()).toEqual(['mail', 4]);
    expect(await healthy()).toEqual([
      ['mail', 4],
      ['web', 3],
      ['pdf', 2],
    ]);
    await queues.pause('web', true);
    expect(await healthy()).toEqual([
      ['mail', 4],
      ['pdf', 2],
    ]);
    const lane = await test.rows.lane('fairly');
    for (const [group, minutes] of [
      ['a', 1],
      ['b', 5],
      ['c', 2],
    ])
      await test.database.query(
        `insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
         values ($1, 0, $2, 0, now() - $3 * interval '1 minute', gen_random_uuid(), 0)`,
        [lane.id, group, minutes],
      );
    expect(await oldest()).toEqual(['fairly', 5]);
    expect((await healthy())[0]).toEqual(['fairly', 5]);
  });

  it('tell which lanes live workers serve', async () => {
    const [plain, welcome] = [
      await test.rows.lane('mail'),
      await test.rows.lane('mail', 'welcome'),
    ];
    const { leases } = test.storage;
    const [alive, dead] = [randomUUID(), randomUUID()];
    await leases.take(alive, 'alive', 60_000, { lanes: [plain.id] });
    await leases.take(dead, 'dead', -1, { lanes: [plain.id, welcome.id] });
    const served = async () =>
      (await queues.lanes(10, ['mail'])).map(({ name, workers }) => [name, workers]);
    expect(await served()).toEqual([
      ['', 1],
      ['welcome', 0],
    ]);
    await leases.serve(alive, [plain.id, welcome.id]);
    expect(await served()).toEqual([
      ['', 1],
      ['welcome', 1],
    ]);
  });

  it('tell who works, what they serve and how much they hold, ended jobs not counted', async () => {
    const mail = await test.rows.lane('mail');
    const lease = randomUUID();
    await test.storage.leases.take(lease, 'host:1', 60_000, { lanes: [mail.id] });
    const jobs = await Promise.all(
      [1, 2, 3].map(() => test.rows.job({ queue: 'mail', state: 'running', lease })),
    );
    await test.database.query('delete from simple_queue.job where id = $1', [jobs[0]!.id]);
    expect(await queues.workers()).toMatchObject([
      { lease, worker: 'host:1', live: true, queues: ['mail'], jobs: 2, alone: false, about: null },
    ]);
    const { holds } = (await queues.workers())[0]!;
    expect(holds.toSorted()).toEqual([jobs[1]!.id, jobs[2]!.id].toSorted());
    await test.database.query('update simple_queue.job set suspicion = 3 where id = $1', [
      holds[0],
    ]);
    expect(await queues.workers()).toMatchObject([{ alone: true }]);
    const ids = Array.from({ length: 25 }, () => test.rows.job({ queue: 'mail', state: 'running', lease })); // prettier-ignore
    await Promise.all(ids);
    expect((await queues.workers())[0]!.holds).toHaveLength(20);
    await test.database.query('update simple_queue.job set epoch = 1 where id = $1', [holds[1]]);
    expect((await queues.workers([mail.id]))[0]!.jobs).toBe(26);
    expect((await queues.list(10, { queue: 'mail' }))[0]!.running).toBe(11);
    expect((await queues.list(99, { queue: 'mail' }))[0]!.running).toBe(26);
    expect((await queues.places(99)).running).toBe(26);
    expect(await queues.workers([mail.id + 1])).toEqual([]);
  });

  it('name a worker that took lease after lease once, with those that still hold jobs', async () => {
    const leases = [1, 2, 3].map(() => randomUUID());
    for (const lease of leases) await test.storage.leases.take(lease, 'again:1', -1_000);
    const listed = async () =>
      (await queues.workers()).filter(({ worker }) => worker === 'again:1').map((w) => w.lease);
    expect(await listed()).toEqual(leases.slice(2));
    await test.rows.job({ queue: 'mail', state: 'running', lease: leases[0]! });
    expect(await listed()).toEqual([leases[0], leases[2]]);
  });
});
