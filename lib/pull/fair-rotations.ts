import type { FairPullWish, PullRepository } from '../storage/claim/pull.repository.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';

/** Where the next claim of each lane of a fair queue starts: its groups are served in turn. Nothing is asked where no queue is fair. */
export class FairRotations {
  private readonly after = new Map<number, string | null>();

  constructor(private readonly pulls: PullRepository) {}

  /** These lanes have jobs of fair queues. */
  expect(lanes: readonly number[]): void {
    for (const id of lanes) if (!this.after.has(id)) this.after.set(id, null);
  }

  /** Those of them that may have some, in the same order. */
  among(lanes: readonly number[]): number[] {
    return this.after.size === 0 ? [] : lanes.filter((id) => this.after.has(id));
  }

  async claim(wish: Omit<FairPullWish, 'after'>): Promise<ClaimedRow[]> {
    const after = this.after.get(wish.lane) ?? null;
    const claimed = await this.pulls.claimFair({ ...wish, after });
    this.after.set(wish.lane, claimed.after);
    if (claimed.jobs.length > 0) return claimed.jobs;
    // Empty, or paused: the next look says when it is worth asking again.
    this.after.delete(wish.lane);
    return [];
  }
}
