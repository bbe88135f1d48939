const MIB = 1_024 * 1_024;
/** Bytes that may be on their way over a line that is not known. */
export const LEAST_AHEAD = 2 * MIB;
/** Over any. */
const MOST = 32 * MIB;
const AHEAD_MS = 100;

/** How quickly large answers come from the database. */
export class Line {
  private known = LEAST_AHEAD;

  /** Bytes that may be on their way: what has come within 100 ms before, and 2 to 32 MiB. */
  get ahead(): number {
    return this.known;
  }

  /** More than one large answer at a time gains something: neither waits for the other's bytes. */
  get isQuick(): boolean {
    return this.known > LEAST_AHEAD;
  }

  /** An answer with so many bytes has taken this long. */
  took(bytes: number, ms: number): void {
    const known = (bytes / Math.max(1, ms)) * AHEAD_MS;
    this.known = Math.min(MOST, Math.max(LEAST_AHEAD, known));
  }
}
