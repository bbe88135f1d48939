interface Sample {
  at: number;
  count: number;
}

/** How fast a counter grows that is looked at now and then. */
export class Growth {
  private samples: Sample[] = [];

  constructor(private readonly windowMs: number) {}

  /**
   * By how much it has grown within the window; where the looks are further apart, their difference is spread evenly. A counter that
   * fell was set back: what was known of it no longer counts.
   */
  add(count: number, at = performance.now()): number {
    if (count < (this.samples.at(-1)?.count ?? 0)) this.samples = [];
    this.samples.push({ at, count });
    // The newest of those that left the window stays: it is where the window begins.
    while (this.samples.length > 2 && this.samples[1]!.at <= at - this.windowMs)
      this.samples.shift();
    const first = this.samples[0]!;
    const elapsed = at - first.at;
    const grown = count - first.count;
    return elapsed > this.windowMs ? (grown * this.windowMs) / elapsed : grown;
  }
}
