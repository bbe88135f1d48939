import { describe, expect, it } from '@jest/globals';
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

  it('refuses options that are wrong', () => {
    expect(() => new InMemoryJobQueue({ maxAttempts: 0 })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
