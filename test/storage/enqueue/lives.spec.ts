import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueService } from '../../../lib/queue.service.js';
import { PostgresJobQueue } from '../../../lib/pull/postgres-job-queue.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const FIRST = '00000000-0000-0000-0000-000000000000';
const EVERYWHERE = { priority: -32_768, runAt: '-infinity', id: FIRST, upto: 32_767 };
const KEEP = {
  archive: { '': DAY_MS },
  deadLetter: { '': DAY_MS },
  onDeadJob: { '': 'block' as const },
};
const { options } = resolveOptions({
  archive: false,
  queues: { fair: { fair: true }, ordered: { ordered: true } },
});

describe('an id that is used again', () => {
  let test: TestStorage;
  let queues: QueueService;
  let pull: PostgresJobQueue;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, options, test.events);
    pull = new PostgresJobQueue({ storage: test.storage, options, events: test.events, queues });
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const epochOf = async (id: string) =>
    (
      await test.database.query<{ epoch: number }>(
        'select epoch from simple_queue.job where id = $1',
        [id],
      )
    )[0]?.epoch;

  const claim = async (queue = 'mails') => {
    const lane = await test.rows.lane(queue);
    const wish = {
      claimId: randomUUID(),
      lease: randomUUID(),
      lanes: [{ lane: lane.id, wanted: 9, ranges: [EVERYWHERE] }],
      limit: 9,
    };
    return (await test.storage.claims.settleAndClaim('w', [], [], wish)).jobs;
  };
  const settle = (run: { id: string; epoch: number }) => {
    const nothing = { claimId: FIRST, lease: FIRST, lanes: [], limit: 0 };
    return test.storage.claims.settleAndClaim(
      'w',
      [{ id: run.id, epoch: run.epoch, runMs: 1, keepMs: undefined, output: undefined }],
      [],
      nothing,
    );
  };

  it('is not settled by a late run of its first life', async () => {
    const id = randomUUID();
    await queues.enqueue('mails', 1, { id });
    const [zombie] = await claim();
    await settle(zombie!);
    expect(await queues.enqueue('mails', 2, { id })).toMatchObject({ created: true });

    expect((await settle(zombie!)).lost).toEqual([id]);
    const change = { delayMs: 0, spent: 1, rescheduled: 0, ran: true } as const;
    expect(await test.storage.settlements.putBack([{ id, epoch: zombie!.epoch, change }])).toEqual(
      [],
    );
    expect(await queues.find(id)).toMatchObject({ payload: 2, state: 'ready' });
  });

  it('is not taken by the reaper for the claim that its first life stood in', async () => {
    const id = randomUUID();
    await queues.enqueueMany('mails', [{ payload: 1, id }, { payload: 'other' }]);
    const runs = await claim();
    await settle(runs.find((run) => run.id === id)!);
    await queues.enqueue('mails', 2, { id, delayMs: DAY_MS });
    // No lease of this claim was ever taken: to the reaper its worker is dead.
    expect(await test.storage.leases.reap({ maxStalls: 2, ...KEEP }, FIRST)).toMatchObject({
      jobs: 1,
    });
    expect(await queues.find(id)).toMatchObject({ payload: 2, state: 'scheduled' });
  });

  it('is nothing that a pulled lease of its first life holds', async () => {
    const id = randomUUID();
    await queues.enqueueMany('mails', [{ payload: 1, id }, { payload: 'other' }]);
    const claimed = await pull.claim({ workerId: 'w', queues: ['mails'], limit: 2 });
    await pull.complete(claimed.leaseId, id);
    await pull.enqueue('mails', 2, { id, delayMs: DAY_MS });
    await queues.cancel({ id: claimed.jobs.find((job) => job.id !== id)!.id });
    expect(await pull.renewLease(claimed.leaseId, 60_000)).toMatchObject({ lost: [] });
    await expect(pull.complete(claimed.leaseId, id)).rejects.toMatchObject({
      code: 'LEASE_FOREIGN',
    });
    expect(await queues.find(id)).toMatchObject({ payload: 2, state: 'scheduled' });
  });

  const inTransaction = async (item: EnqueueItem & { payload: number }) => {
    const { payload, ...job } = item;
    await test.dataSource.transaction((manager) =>
      queues.enqueue('mails', payload, { ...job, manager }),
    );
  };
  const one = async ({ payload, ...job }: EnqueueItem, queue = 'mails') =>
    void (await queues.enqueue(queue, payload, job));

  it.each<[string, (item: EnqueueItem & { payload: number }) => Promise<void>]>([
    ['by itself', one],
    [
      'in a batch',
      async (item) => void (await queues.enqueueMany('mails', [item, { payload: 'other' }])),
    ],
    ['in a transaction', inTransaction],
    [
      'by the pull contract',
      async ({ payload, ...job }) => void (await pull.enqueue('mails', payload, job)),
    ],
    ['with a time', (item) => one({ ...item, delayMs: 1_000 })],
    ['with a key', (item) => one({ ...item, uniqueKey: 'key' })],
    [
      'with a limit',
      async ({ payload, ...job }) =>
        void (await queues.enqueue('mails', payload, { ...job, maxPending: 9 })),
    ],
    ['staged', (item) => one({ ...item, staged: true })],
    ['with a group', (item) => one({ ...item, group: 'g' })],
    ['in an ordered group', (item) => one({ ...item, group: 'g', ordered: true })],
    ['in an ordered queue', (item) => one(item, 'ordered')],
    ['in a fair queue', (item) => one({ ...item, group: 'g' }, 'fair')],
  ])('begins each life at an epoch of its own when it is enqueued %s', async (_way, enqueue) => {
    const id = randomUUID();
    const epochs = new Set<number | undefined>();
    for (let payload = 0; payload < 4; payload++) {
      await enqueue({ payload, id });
      epochs.add(await epochOf(id));
      expect(await checkPlaces(test.storage)).toEqual([]);
      await test.rows.clear();
    }
    expect(epochs.size).toBe(4);
    for (const epoch of epochs) expect(epoch).toBeGreaterThan(999_999);
  });

  it("keeps the epochs of the library's own ids at 0, whatever they are enqueued with", async () => {
    await queues.enqueueMany('mails', [
      { payload: 1, id: randomUUID() },
      { payload: 2, uniqueKey: 'key' },
      { payload: 3, delayMs: 1 },
    ]);
    await queues.enqueueMany('mails', [
      { payload: 4, id: randomUUID(), staged: true },
      { payload: 5, staged: true },
    ]);
    const rows = await test.database.query<{ own: boolean }>(
      'select epoch = 0 as own from simple_queue.job order by payload::text',
    );
    expect(rows.map(({ own }) => own)).toEqual([false, true, true, false, true]);
    await test.rows.clear();
  });
});
