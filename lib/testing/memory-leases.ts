import {
  leaseExpired,
  leaseForeign,
  leaseLost,
  leaseUnknown,
} from '../storage/leases/lease-errors.js';
import type { ExpiredLease } from '../observability/events.js';
import type { PlainJob } from '../plain/plain-job.js';
import { DAY_MS } from '../job/values/duration.js';

/** As the statement `expire_leases` has it. */
const MAX_EXPIRED = 100;

interface MemoryLease {
  worker: string;
  takenAt: number;
  expiresAt: number;
  jobs: Map<string, PlainJob>;
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
  heldBy(worker: string, now: number): { job: PlainJob; takenAt: number }[] {
    const own = [...this.leases.values()].filter(
      (lease) => lease.worker === worker && lease.expiresAt > now,
    );
    return own.flatMap(({ jobs, takenAt }) => [...jobs.values()].map((job) => ({ job, takenAt })));
  }

  /** @throws QueueError `LEASE_LOST` where its time is over, reaped or not, `LEASE_UNKNOWN`. */
  renew(id: string, now: number, expiresAt: number): MemoryLease {
    const lease = this.leases.get(id);
    if (!lease) throw leaseExpired(id, this.lostBy(id));
    if (lease.expiresAt <= now) throw leaseExpired(id, [...lease.jobs.keys()]);
    lease.expiresAt = expiresAt;
    return lease;
  }

  /** @throws QueueError `LEASE_UNKNOWN` where no such lease lapsed. */
  private lostBy(id: string): string[] {
    const lost = this.lapsed.get(id);
    if (!lost) throw leaseUnknown(id);
    return lost.jobs;
  }

  /** @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN` or `LEASE_UNKNOWN` where the lease does not hold the job. */
  held(id: string, jobId: string): { lease: MemoryLease; job: PlainJob } {
    const lease = this.leases.get(id);
    const job = lease?.jobs.get(jobId);
    if (lease && job) return { lease, job };
    if (!lease && this.lostBy(id).includes(jobId)) throw leaseLost(id, jobId);
    throw leaseForeign(id, jobId);
  }

  /** The job is settled; with its last one the lease goes. */
  close(id: string, job: PlainJob): void {
    const lease = this.leases.get(id);
    job.lease = undefined;
    lease?.jobs.delete(job.job.id);
    if (lease?.jobs.size === 0) this.leases.delete(id);
  }

  /** Leases that ran out are gone, and remembered for a day; returns them, and what they held. */
  expire(now: number): { expired: ExpiredLease[]; held: PlainJob[] } {
    for (const [id, { at }] of this.lapsed) if (at < now - DAY_MS) this.lapsed.delete(id);
    const expired = [...this.leases]
      .filter(([, lease]) => lease.expiresAt < now)
      .slice(0, MAX_EXPIRED);
    for (const [id, { jobs }] of expired) {
      this.leases.delete(id);
      this.lapsed.set(id, { jobs: [...jobs.keys()], at: now });
    }
    const told = expired.map(([leaseId, { worker, jobs }]) => ({
      leaseId,
      worker,
      jobs: [...jobs.keys()],
    }));
    return { expired: told, held: expired.flatMap(([, { jobs }]) => [...jobs.values()]) };
  }
}
