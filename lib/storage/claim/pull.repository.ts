import { leaseExpired, leaseForeign, leaseLost, leaseUnknown } from '../leases/lease-errors.js';
import type { QueueError } from '../../job/queue.errors.js';
import type { Database, Run } from '../connection/database.js';
import { fairClaimed, type FairClaimed } from '../groups/group.repository.js';
import { claimedRow, type ClaimedRow } from './row-mapper.js';
import { idOf, type RunKey } from '../settle/ended-run.js';
import type { Placed } from '../wake-ups/wake-up.js';
import { returnStrays } from './strays.js';
import type { StoredOptions } from '../../job/new-job.js';
import { SHARD } from '../connection/shard.js';
import { NOTE_PULLED_LANES } from '../lanes/list-lanes.sql.js';
import { PULL_CLAIM_FAIR } from './pull-claim-fair.sql.js';
import { PULL_CLAIM } from './pull-claim.sql.js';
import { CLOSE_PULLED, FIND_LAPSED, HELD_BY_LEASE, RENEW_PULLED } from './pull-lease.sql.js';

/** What a pulled claim asks for. */
interface PullWish {
  /** Id of the claim and of its lease. */
  lease: string;
  worker: string;
  leaseMs: number;
  lanes: number[];
  limit: number;
  /** At most this many that were in flight at a crash. */
  suspects: number;
}

/** The same of one lane of a fair queue, behind the group `after`. */
export type FairPullWish = Pick<PullWish, 'lease' | 'worker' | 'leaseMs' | 'limit'> & {
  lane: number;
  after: string | null;
};

/** A job that a pulled lease holds. */
export interface HeldJob {
  id: string;
  worker: string;
  epoch: number;
  attempt: number;
  reschedules: number;
  options: StoredOptions | null;
  lane: number;
  /** Since its claim. */
  runMs: number;
}

/** Rows of `held_by_lease`: without an epoch the job has gone from under the lease. */
type HeldRow = Omit<HeldJob, 'id' | 'epoch'> & { holds: boolean; epoch: number | null };

/** How often it is noted that somebody claims from a lane. */
const NOTE_MS = 60_000;
const MOST_NOTED = 10_000;

/** Claims and leases of workers that are no Nest handlers. */
export class PullRepository {
  private readonly notedAt = new Map<number, number>();

  constructor(private readonly database: Database) {}

  async claim({ lease, worker, leaseMs, lanes, limit, suspects }: PullWish): Promise<ClaimedRow[]> {
    const values = [SHARD, lease, lanes, limit, worker, suspects, leaseMs];
    const rows = (await this.database.callers.rows(PULL_CLAIM, values)).map(claimedRow);
    await this.note(new Set(rows.map((row) => row.lane)));
    return rows;
  }

  async claimFair({
    lease,
    lane,
    after,
    limit,
    worker,
    leaseMs,
  }: FairPullWish): Promise<FairClaimed> {
    const values = [SHARD, lease, lane, after, limit, worker, leaseMs];
    const claimed = fairClaimed(await this.database.callers.rows(PULL_CLAIM_FAIR, values));
    if (claimed.jobs.length > 0) await this.note(new Set([lane]));
    return claimed;
  }

  /** For whoever asks who serves the lanes. It must not fail a claim. */
  private async note(lanes: ReadonlySet<number>): Promise<void> {
    const now = performance.now();
    const due = [...lanes].filter((lane) => now - (this.notedAt.get(lane) ?? -Infinity) > NOTE_MS);
    if (due.length === 0) return;
    if (this.notedAt.size > MOST_NOTED) this.notedAt.clear();
    for (const lane of due) this.notedAt.set(lane, now);
    await this.database.callers.run(NOTE_PULLED_LANES, [due]).catch(() => undefined);
  }

  /** Ids of the lease's jobs that it lost, and that were asked to stop. @throws QueueError `LEASE_LOST`, `LEASE_UNKNOWN`. */
  async renew(lease: string, leaseMs: number): Promise<{ lost: string[]; cancelled: string[] }> {
    const [renewed] = await this.database.callers.run<{ lost: string[]; cancelled: string[] }>(
      RENEW_PULLED,
      [SHARD, lease, leaseMs],
    );
    if (renewed) return renewed;
    const jobs = await this.lapsed(this.database.callers.run, lease);
    throw jobs ? leaseExpired(lease, jobs) : leaseUnknown(lease);
  }

  /**
   * Settles a job of a lease in one transaction: `settle` gets what the lease holds, and returns whether the job was still there.
   * @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN` or `LEASE_UNKNOWN` where the lease does not hold the job; nothing is written then.
   */
  settle<T>(
    lease: string,
    job: string,
    settle: (held: HeldJob, run: Run) => Promise<T | undefined>,
  ): Promise<T> {
    return this.database.settlers.transaction(async (run) => {
      const held = await this.held(lease, job, run);
      const settled = await settle(held, run);
      if (settled === undefined) throw leaseLost(lease, job);
      await run(CLOSE_PULLED, [SHARD, lease, job]);
      return settled;
    });
  }

  /** Lets go of strays that a claim brought, but for the entries of jobs that it holds besides (`kept`). Returns what came to its own place. */
  turnAway(lease: string, strays: readonly RunKey[], kept: ReadonlySet<string>): Promise<Placed[]> {
    return this.database.settlers.transaction(async (run) => {
      const { locked, placed } = await returnStrays(run, strays);
      const gone = new Set(strays.map(idOf).filter((id) => !kept.has(id) && !locked.has(id)));
      for (const id of gone) await run(CLOSE_PULLED, [SHARD, lease, id]);
      return placed;
    });
  }

  /** What the lease holds. @throws QueueError `LEASE_LOST`, `LEASE_FOREIGN` or `LEASE_UNKNOWN` where it does not hold the job. */
  async held(lease: string, job: string, run: Run = this.database.settlers.run): Promise<HeldJob> {
    const [row] = await run<HeldRow>(HELD_BY_LEASE, [SHARD, lease, job]);
    if (!row) throw await this.absent(run, lease, job);
    const { holds, epoch, ...held } = row;
    if (!holds) throw leaseForeign(lease, job);
    if (epoch === null) throw leaseLost(lease, job);
    return { ...held, id: job, epoch };
  }

  private async absent(run: Run, lease: string, job: string): Promise<QueueError> {
    const jobs = await this.lapsed(run, lease);
    if (!jobs) return leaseUnknown(lease);
    return jobs.includes(job) ? leaseLost(lease, job) : leaseForeign(lease, job);
  }

  private async lapsed(run: Run, lease: string): Promise<string[] | undefined> {
    return (await run<{ jobs: string[] }>(FIND_LAPSED, [SHARD, lease]))[0]?.jobs;
  }
}
