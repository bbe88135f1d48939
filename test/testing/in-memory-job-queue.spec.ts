import { describe, expect, it } from '@jest/globals';
import type { EnqueueOptions } from 'nestjs-simple-queue';
import { InMemoryJobQueue } from 'nestjs-simple-queue/testing';
import { CONTRACT_OPTIONS, jobQueueContract } from '../pull/job-queue.contract.js';

describe('InMemoryJobQueue', () => {
  jobQueueContract(async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = new InMemoryJobQueue({ ...CONTRACT_OPTIONS, now: () => now });
    const wait = async () => void (now += 3_600_000);
    return { queue, outlive: wait, untilDue: wait, close: async () => undefined };
  });
});

describe('the clock of an InMemoryJobQueue', () => {
  it('is all that moves it: what is due, what lapses and what is forgotten', async () => {
    let now = 0;
    const queue = new InMemoryJobQueue({ now: () => now, archive: { keepMs: 60_000 } });
    const { id } = await queue.enqueue('mail', 1, { delayMs: 1_000 });
    const claim = () => queue.claim({ workerId: 'w', queues: ['mail'], leaseMs: 500 });

    now = 999;
    expect((await claim()).jobs).toEqual([]);
    now = 1_000;
    const { leaseId } = await claim();
    now = 1_500;
    expect(await queue.reapExpiredLeases()).toMatchObject({ leases: 0 });
    now = 1_501;
    expect(await queue.reapExpiredLeases()).toMatchObject({ leases: 1, jobs: 1 });
    await expect(queue.complete(leaseId, id)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await queue.complete((await claim()).leaseId, id);
    expect(await queue.find(id)).toMatchObject({ state: 'succeeded', finishedAt: new Date(1_501) });
    now = 61_501;
    expect(await queue.find(id)).toBeUndefined();
  });

  it.each<[EnqueueOptions]>([
    [{ onConflict: 'replace', uniqueKey: 'k' }],
    [{ onConflict: 'throttle', uniqueKey: 'k', periodMs: 1_000 }],
    [{ ordered: true, group: 'g' }],
    [{ staged: true }],
    [{ maxPending: 5 }],
  ])('refuses %j, which it does not know', async (options) => {
    const queue = new InMemoryJobQueue();
    await expect(queue.enqueue('mail', 1, options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect((await queue.claim({ workerId: 'w', queues: ['*'] })).jobs).toEqual([]);
  });

  it.each([{ ordered: true }, { fair: true }, { maxPending: 5 }])(
    'refuses queues that are %j',
    (settings) => {
      expect(() => new InMemoryJobQueue({ queues: { mail: settings } })).toThrow(
        /InMemoryJobQueue knows no queues\.mail\./,
      );
    },
  );

  it('refuses limits across the fleet, and ends that are stored as jobs', () => {
    for (const options of [
      { limits: { api: { concurrency: 1 } } },
      { queues: { mail: { outcomes: 'ends' } } },
    ] as object[])
      expect(() => new InMemoryJobQueue(options)).toThrow(
        /InMemoryJobQueue knows no (limits|queues)/,
      );
  });

  it('takes what only repeats a default', async () => {
    const queue = new InMemoryJobQueue({ queues: { mail: { ordered: false, fair: false } } });
    const defaults = {
      onConflict: 'ignore',
      uniqueKey: 'k',
      ordered: false,
      staged: false,
    } as const;
    expect(await queue.enqueue('mail', 1, defaults)).toMatchObject({ created: true });
  });

  it('refuses options that are wrong', () => {
    expect(() => new InMemoryJobQueue({ maxAttempts: 0 })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});
