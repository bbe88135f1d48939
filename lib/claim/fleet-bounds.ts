import type { FleetPermits, LimitedLane } from '../limits/fleet-permits.js';

/** The limits across the fleet that a lane obeys. They come and go while jobs run, and what runs is counted by each. */
export class FleetBounds {
  permits: readonly FleetPermits[] = [];
  /** Runs of lone suspects, which take nothing else. */
  private alone = 0;

  /** `started`: those that run, but for lone suspects. */
  bind(permits: readonly FleetPermits[], lane: LimitedLane, started: number): void {
    const running = started + this.alone;
    for (const limit of this.permits) {
      if (permits.includes(limit)) continue;
      limit.lanes.delete(lane);
      for (let run = 0; run < running; run++) limit.giveBack();
    }
    for (const limit of permits) {
      if (this.permits.includes(limit)) continue;
      limit.lanes.add(lane);
      for (let run = 0; run < running; run++) limit.take();
    }
    this.permits = permits;
  }

  /** No more than they let in: what waits here would be kept from other processes. */
  limited(wanted: number): number {
    let most = wanted;
    for (const limit of this.permits) most = Math.min(most, limit.claimable);
    return most;
  }

  /** Other lanes obey it as well, and of those that they do it lets in the fewest. */
  get shared(): FleetPermits | undefined {
    let least: FleetPermits | undefined;
    for (const limit of this.permits)
      if (limit.lanes.size > 1 && limit.row.concurrency !== null)
        if (!least || limit.free < least.free) least = limit;
    return least;
  }

  get mayStart(): boolean {
    return this.permits.every((limit) => limit.free > 0);
  }

  take(): void {
    this.alone++;
    for (const limit of this.permits) limit.take();
  }

  giveBack(): void {
    this.alone--;
    for (const limit of this.permits) limit.giveBack();
  }
}
