import { Pace } from '../runtime/pace.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Claim } from '../run/job-run.js';

/** A claim whose statement may be under way. */
interface Expected extends Claim {
  asked: number;
  sentAt: number;
}

/** A process that has no reply for days keeps no more than these in mind; the heartbeat finds the others. */
const MAX_LOST = 100;

/**
 * The claims of this process. A claim is listed as ended only with, or after, the settles of all its runs: a row that went
 * too early would leave jobs that nobody can free.
 */
export class Claims {
  private readonly known = new Map<string, Expected>();
  private ended: string[] = [];
  private lost: string[] = [];
  private readonly pace: Pace;
  /** Jobs that statements under way may bring. */
  private underWay = 0;

  constructor(queryTimeoutMs = Infinity) {
    this.pace = new Pace(queryTimeoutMs);
  }

  /** Jobs that one more claim may ask for: over a slow line less than there is room for. */
  get room(): number {
    return Math.max(0, this.pace.most - this.underWay);
  }

  /** Before the statement leaves: a claim under way is known, or the heartbeat would release it. */
  expect(id: string, asked = 1): void {
    this.known.set(id, { id, open: 0, asked, sentAt: performance.now() });
    this.underWay += asked;
  }

  /** The answer arrived with this many jobs. */
  arrived(id: string, jobs: number): Claim {
    const claim = this.known.get(id)!;
    this.underWay -= claim.asked;
    this.pace.took(jobs, performance.now() - claim.sentAt);
    claim.open = jobs;
    if (jobs === 0) this.known.delete(id);
    return claim;
  }

  /** The statement failed. Where its answer was lost it may be committed all the same: the claim has to be freed. */
  forget(id: string, error?: unknown): void {
    const claim = this.known.get(id)!;
    this.underWay -= claim.asked;
    this.known.delete(id);
    if (!(error instanceof DatabaseError)) return;
    if (error.isTimeout) this.pace.missed(claim.asked);
    if (error.sqlState === undefined) this.lost = [...this.lost.slice(1 - MAX_LOST), id];
  }

  /** Frees what may have been claimed by statements whose answer was lost; what cannot be freed now is tried again. */
  async free(release: (ids: string[]) => Promise<void>): Promise<void> {
    if (this.lost.length === 0) return;
    const ids = this.lost;
    this.lost = [];
    try {
      await release(ids);
    } catch (error) {
      this.lost = [...ids, ...this.lost].slice(-MAX_LOST);
      throw error;
    }
  }

  settled(claim: Claim): void {
    if (--claim.open > 0) return;
    if (this.known.has(claim.id)) this.ended.push(claim.id);
    claim.onEnd?.();
  }

  /** Claims to be deleted with the next statement; `endedNow` are those whose last runs are settled by that same statement. */
  takeEnded(endedNow: Claim[]): string[] {
    const ids = [...this.ended, ...endedNow.map((claim) => claim.id)];
    this.ended = [];
    return ids;
  }

  /** They are deleted: forget them. */
  deleted(ids: string[]): void {
    for (const id of ids) this.known.delete(id);
  }

  /** The statement failed: list them again. */
  notDeleted(ids: string[]): void {
    for (const id of ids) if (this.known.get(id)?.open === 0) this.ended.push(id);
  }

  get hasEnded(): boolean {
    return this.ended.length > 0;
  }

  ids(): string[] {
    return [...this.known.keys()];
  }
}

/** Claims whose last open runs are all in this batch: the same statement may delete them, since it settles all or nothing. */
export function endedBy(batch: readonly { run: { claim: Claim } }[]): Claim[] {
  const counts = new Map<Claim, number>();
  for (const { run } of batch) counts.set(run.claim, (counts.get(run.claim) ?? 0) + 1);
  return [...counts].filter(([claim, count]) => claim.open === count).map(([claim]) => claim);
}
