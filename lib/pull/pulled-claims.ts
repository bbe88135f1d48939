import { serves } from '../job/served.js';
import { Uuid7 } from '../runtime/uuid7.js';
import type { Lane } from '../storage/lanes.js';
import type { ClaimedRow } from '../storage/row-mapper.js';
import type { Storage } from '../storage/storage.js';
import type { CheckedClaim } from './claim-request.js';

export interface PulledRows {
  leaseId: string;
  rows: ClaimedRow[];
}

/** Claims for workers outside of this process, from the lanes that they serve. */
export class PulledClaims {
  private readonly ids = new Uuid7();
  private turn = 0;
  private lookedAt = -Infinity;

  constructor(
    private readonly storage: Storage,
    private readonly lookEveryMs: number,
  ) {}

  async claim(wish: CheckedClaim): Promise<PulledRows> {
    await this.lookAround();
    const { workerId: worker, leaseMs, limit, suspects } = wish;
    const leaseId = this.ids.next();
    const lanes = this.lanesFor(wish).map((lane) => lane.id);
    if (lanes.length === 0) return { leaseId, rows: [] };
    const rows = await this.storage.pulls.claim({ lease: leaseId, worker, leaseMs, lanes, limit, suspects });
    return { leaseId, rows };
  }

  /** Another lane is first each time, so that a large one starves no other. */
  private lanesFor(wish: CheckedClaim): Lane[] {
    const lanes = this.storage.lanes.all().filter((lane) => serves(wish, lane));
    const first = lanes.length > 0 ? this.turn++ % lanes.length : 0;
    return [...lanes.slice(first), ...lanes.slice(0, first)];
  }

  /** New lanes and jobs that have come due. A process without a worker has nobody else who looks. */
  private async lookAround(): Promise<void> {
    const now = performance.now();
    if (now - this.lookedAt < this.lookEveryMs) return;
    this.lookedAt = now;
    const { jobs, lanes, signals } = this.storage;
    const promotion = await jobs.promote('-infinity', []);
    if (promotion.lanes.length > 0) signals.send({ lanes: promotion.lanes });
    if ((promotion.newestLane ?? 0) > lanes.newest()) await lanes.refresh();
  }
}
