/** A bound on what runs at once in this process. */
export class Permits {
  private taken = 0;
  private quickAt = -Infinity;
  /** Of those that are free: what was claimed, or is on its way, for others to take. Set by whoever asks for more. */
  promised = 0;
  /** Of them by claims under way for lanes that were empty: any of these may bring all, and none has promised any. */
  private asked = 0;

  constructor(
    private readonly most: number,
    /** More is asked for only while fewer than this are taken. */
    readonly refillBelow = most,
  ) {}

  get limit(): number {
    return this.most;
  }

  /** A claim leaves that may bring so many calls, or (negative) is back. */
  ask(calls: number): void {
    this.asked += calls;
    this.promised += calls;
  }

  /** Before promises are counted again. */
  withdraw(): void {
    this.promised = this.asked;
  }

  get free(): number {
    return this.limit - this.taken;
  }

  get used(): number {
    return this.taken;
  }

  /** `quickAt`: the time now, where it is taken for work that will be through within moments. */
  take(quickAt = -Infinity): void {
    this.taken++;
    if (quickAt > this.quickAt) this.quickAt = quickAt;
  }

  /** None is free but for what is promised, and one was taken for quick work since: another will be free within moments. */
  isQuick(since: number): boolean {
    return this.free <= this.promised && this.quickAt > since;
  }

  giveBack(): void {
    this.taken--;
  }
}

/** What all of them let start. */
export function freeOf(permits: readonly Permits[]): number {
  let free = Infinity;
  for (const permit of permits) free = Math.min(free, permit.free);
  return Math.max(0, free);
}
