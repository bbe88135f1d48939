import { leaseForeign, leaseLost, leaseUnknown } from '../job/lease-errors.js';
import type { MemoryJob } from './memory-job.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

export interface MemoryLease {
  worker: string;
  takenAt: number;
  expiresAt: number;
  jobs: Map<string, MemoryJob>;
}

/** The leases of a queue in memory: what they hold, and what lapsed ones held. */
export class MemoryLeases {
  private readonly leases = new Map<string, MemoryLease>();
  private readonly lapsed = new Map<string, { jobs: string[]; at: number }>();

  take(id: string, lease: MemoryLease): void {
    this.leases.set(id, lease);
    for (const job of lease.jobs.values()) job.lease = id;
  }

  /** What a worker holds under leases that have not run out. */
  heldBy(worker: string, now: number): { job: MemoryJob; takenAt: number }[] {
    const own = [...this.leases.values()].filter((lease) => lease.worker === worker && lease.expiresAt > now);
    return own.flatMap(({ jobs, takenAt }) => [...jobs.values()].map((job) => ({ job, takenAt })));
  }

  find(id: string): MemoryLease | undefined {
    return this.leases.get(id);
  }

  /** @throws QueueError `LEASE_UNKNOWN` where no such lease lapsed. */
  lostBy(id: string): string[] {
    const lost = this.lapsed.get(id);
    if (!lost) throw leaseUnknown(id);
    return lost.jobs;
  }

  /** @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN` or `LEASE_UNKNOWN` where the lease does not hold the job. */
  held(id: string, jobId: string): { lease: MemoryLease; job: MemoryJob } {
    const lease = this.leases.get(id);
    const job = lease?.jobs.get(jobId);
    if (lease && job) return { lease, job };
    if (!lease && this.lostBy(id).includes(jobId)) throw leaseLost(id, jobId);
    throw leaseForeign(id, jobId);
  }

  /** The job is settled; with its last one the lease goes. */
  close(id: string, job: MemoryJob): void {
    const lease = this.leases.get(id);
    job.lease = undefined;
    lease?.jobs.delete(job.job.id);
    if (lease?.jobs.size === 0) this.leases.delete(id);
  }

  /** Leases that ran out are gone, and remembered for a day; answers them with what they held. */
  expire(now: number): MemoryLease[] {
    for (const [id, { at }] of this.lapsed) if (at < now - DAY_MS) this.lapsed.delete(id);
    const expired = [...this.leases].filter(([, lease]) => lease.expiresAt < now);
    for (const [id, { jobs }] of expired) {
      this.leases.delete(id);
      this.lapsed.set(id, { jobs: [...jobs.keys()], at: now });
    }
    return expired.map(([, lease]) => lease);
  }
}
