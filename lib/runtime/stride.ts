/** Taken at most, about, a second; of more, each n-th. */
const MOST = 1_000;

/** Thins out what is dear to look at: the shares stay those of all, and how many there were is counted elsewhere. */
export class Stride {
  /** Each one that is taken stands for so many. */
  weight = 1;
  private count = 0;
  private since = performance.now();

  takes(): boolean {
    if (++this.count % this.weight !== 0) return false;
    this.adapt(performance.now());
    return true;
  }

  private adapt(now: number): void {
    const elapsed = now - this.since;
    if (elapsed < 1_000 && this.count < MOST * this.weight) return;
    this.weight = Math.max(1, Math.ceil(((this.count / Math.max(1, elapsed)) * 1_000) / MOST));
    this.count = 0;
    this.since = now;
  }
}
