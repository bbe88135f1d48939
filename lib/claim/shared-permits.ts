import type { Permits } from '../runtime/permits.js';

/** Permits of a lane that others may share: of its queue, its handler, of open transactions; and of limits of the fleet. Those of the process are bounded by `room`. */
export class SharedPermits {
  /** To what this lane has claimed and cannot start yet. */
  private promised = 0;
  /** By direct claims of this lane. */
  private asked = 0;

  private readonly all: readonly Permits[];

  constructor(
    private readonly tiers: readonly Permits[],
    fleet: readonly Permits[] = [],
  ) {
    this.all = [...tiers, ...fleet];
  }

  /** Free, and not promised to what other lanes have claimed. */
  get unpromised(): number {
    return this.leastOf(this.all);
  }

  /** The same without the limits of the fleet. */
  get unpromisedHere(): number {
    return this.leastOf(this.tiers);
  }

  promise(calls: number): void {
    const more = Math.max(0, calls) - this.promised;
    if (more === 0) return;
    this.promised += more;
    for (const permit of this.all) permit.promised += more;
  }

  /** A direct claim leaves, or (negative) is back: no other lane's takes its permit meanwhile. */
  ask(calls: number): void {
    this.asked += calls;
    for (const permit of this.all) permit.ask(calls);
  }

  /** Before all promises are counted again. */
  withdraw(): void {
    this.promised = 0;
    for (const permit of this.all) permit.withdraw();
  }

  private leastOf(permits: readonly Permits[]): number {
    let free = Infinity;
    for (const permit of permits)
      free = Math.min(free, permit.free - permit.promised + this.promised + this.asked);
    return free;
  }
}

interface Promising {
  shared: SharedPermits;
  promise(): void;
}

/** Before any of them is asked what it wants. */
export function countPromises(lanes: readonly Promising[]): void {
  for (const { shared } of lanes) shared.withdraw();
  for (const lane of lanes) lane.promise();
}
