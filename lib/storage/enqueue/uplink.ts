import { MAX_BYTES, sizeOf } from './chunks.js';
import type { NewJob } from '../../job/new-job.js';

/** Calls with less pass by. */
const LIGHT = 64 * 1_024;

/** Who wants more than is free waits behind those that came before. */
export class Turns {
  private readonly line: { share: number; start: () => void }[] = [];

  constructor(private free: number) {}

  async take<T>(share: number, work: () => Promise<T>): Promise<T> {
    await this.turn(share);
    try {
      return await work();
    } finally {
      this.free += share;
      this.callNext();
    }
  }

  private turn(share: number): Promise<void> {
    return new Promise((start) => {
      this.line.push({ share, start });
      this.callNext();
    });
  }

  private callNext(): void {
    while (this.line.length > 0 && this.line[0]!.share <= this.free) {
      const { share, start } = this.line.shift()!;
      this.free -= share;
      start();
    }
  }
}

/**
 * Calls that enqueue much at the same time follow each other, `MAX_BYTES` under way: side by side over a thin line none would end in its time.
 * Who waits here waits for others' statements, before the clock of its own runs.
 */
export class Uplink {
  private readonly turns = new Turns(MAX_BYTES);

  carry<T>(jobs: NewJob[], store: () => Promise<T>): Promise<T> {
    let size = 0;
    for (const job of jobs) size += sizeOf(job);
    return size < LIGHT ? store() : this.turns.take(Math.min(MAX_BYTES, size), store);
  }
}
