/** Rows from which on nobody has to be careful any more. */
const ENOUGH = 250;

/**
 * How many rows a statement may carry to end within its time, over whatever line: after one that did not, a quarter of its rows, down to
 * one; after one that was full and took less than a quarter of the time, twice as many. No bound until then.
 */
export class Pace {
  private limit = Infinity;

  constructor(private readonly timeoutMs: number) {}

  get most(): number {
    return this.limit;
  }

  /** A statement with this many rows has ended in time. */
  took(rows: number, ms: number): void {
    if (rows < this.limit || ms > this.timeoutMs / 4) return;
    this.limit = this.limit < ENOUGH ? 2 * this.limit : Infinity;
  }

  /** A statement that may have had this many rows has not. */
  missed(rows: number): void {
    if (rows > 0) this.limit = Math.max(1, Math.floor(Math.min(rows, this.limit) / 4));
  }
}
