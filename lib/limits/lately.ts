/** How many there were within about the last `ms`: the more of this window and the one before. */
export class Lately {
  private since = -Infinity;
  private now = 0;
  private before = 0;

  constructor(private readonly ms: number) {}

  count(many = 1, at = performance.now()): void {
    this.turn(at);
    this.now += many;
  }

  many(at = performance.now()): number {
    this.turn(at);
    return Math.max(this.now, this.before);
  }

  private turn(at: number): void {
    const windows = Math.floor((at - this.since) / this.ms);
    if (windows < 1) return;
    this.before = windows === 1 ? this.now : 0;
    this.now = 0;
    this.since = windows === 1 ? this.since + this.ms : at;
  }
}
