/** What fails again and again, until it goes well: whatever rests or is begun anew meanwhile says nothing of it. */
export class Failures {
  private rounds = 0;
  private error: unknown;
  private since = 0;

  constructor(readonly name: string) {}

  /** Milliseconds since it began to fail; 0: it does not. */
  get silentMs(): number {
    return this.rounds > 0 ? performance.now() - this.since : 0;
  }

  /** How often in a row, and the last error. */
  get failed(): { rounds: number; error: unknown } {
    return { rounds: this.rounds, error: this.error };
  }

  add(error: unknown): void {
    if (this.rounds++ === 0) this.since = performance.now();
    this.error = error;
  }

  end(): void {
    this.rounds = 0;
    this.error = undefined;
  }
}
