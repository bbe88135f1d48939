/** Recorded at most, about, a second; of more, each n-th. */
const MOST = 1_000;

/**
 * Thins out what a histogram is told of: a record costs the SDK more than a small job costs the queue. The shares stay those of all jobs;
 * how many there were is told by counters.
 */
export class Stride {
  private stride = 1;
  private count = 0;
  private since = performance.now();

  takes(): boolean {
    if (++this.count % this.stride !== 0) return false;
    this.adapt(performance.now());
    return true;
  }

  private adapt(now: number): void {
    const elapsed = now - this.since;
    if (elapsed < 1_000 && this.count < MOST * this.stride) return;
    this.stride = Math.max(1, Math.ceil(((this.count / Math.max(1, elapsed)) * 1_000) / MOST));
    this.count = 0;
    this.since = now;
  }
}
