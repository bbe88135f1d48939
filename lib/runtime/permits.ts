/** A bound on what runs at once in this process. */
export class Permits {
  private taken = 0;

  constructor(
    readonly limit: number,
    /** More is asked for only while fewer than this are taken. */
    readonly refillBelow = limit,
  ) {}

  get free(): number {
    return this.limit - this.taken;
  }

  get used(): number {
    return this.taken;
  }

  take(): void {
    this.taken++;
  }

  giveBack(): void {
    this.taken--;
  }
}
