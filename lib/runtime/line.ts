const KIB = 1_024;
const MIB = 1_024 * KIB;
/** Bytes that may be on their way over a line that is not known. */
export const LEAST_AHEAD = 2 * MIB;
/** Over any. */
const MOST = 32 * MIB;
const AHEAD_MS = 100;
/** Bytes that a claim may bring over a line that is not known. */
export const LEAST_BROUGHT = 128 * KIB;
/** A claim that took this long is no longer taken for one over a quick line. */
const SLOW_MS = 1_000;
const FEWEST = 16;

/** How quickly large answers come from the database, and how large they usually are. */
export class Line {
  private known = LEAST_AHEAD;
  /** Bytes of a claimed job. */
  private usual = 0;

  /** Bytes that may be on their way: what has come within 100 ms before, and 2 to 32 MiB. */
  get ahead(): number {
    return this.known;
  }

  /** More than one large answer at a time gains something: neither waits for the other's bytes. */
  get isQuick(): boolean {
    return this.known > LEAST_AHEAD;
  }

  /** Bytes that a claim may bring: over a quick line so many that few jobs are left behind, and small ones wait 50 ms for them at most. */
  get brings(): number {
    return this.isQuick ? Math.floor(this.known / 2) : LEAST_BROUGHT;
  }

  /** Jobs that a claim may bring so that those of twice the usual weight come along. */
  get most(): number {
    return this.isQuick ? Math.max(FEWEST, Math.floor(this.brings / 2 / this.usual)) : Infinity;
  }

  /** An answer with so many bytes has taken this long. A small one says little: it waits for the server. */
  took(bytes: number, ms: number): void {
    const seen = (bytes / Math.max(1, ms)) * AHEAD_MS;
    const share = Math.min(1, bytes / MIB);
    this.known += share * (Math.min(MOST, Math.max(LEAST_AHEAD, seen)) - this.known);
  }

  /** So did a claim, which does more than to bring them; `jobs` weigh so much together, with what was left behind. */
  claimed(jobs: number, bytes: number, ms: number): void {
    if (jobs > 0) this.usual += (bytes / jobs - this.usual) / 4;
    if (ms > SLOW_MS) this.lost();
  }

  /** An answer did not come in time. */
  lost(): void {
    this.known = LEAST_AHEAD;
  }
}
