import { MAX_BYTES, sizeOf } from './chunks.js';
import type { NewJob } from '../../job/new-job.js';

/** Calls with less pass by. */
const LIGHT = 64 * 1_024;

/**
 * Calls that enqueue much at the same time follow each other, `MAX_BYTES` under way: side by side over a thin line none would end in its time.
 * Who waits here waits for others' statements, before the clock of its own runs.
 */
export class Uplink {
  private free = MAX_BYTES;
  private readonly line: { bytes: number; start: () => void }[] = [];

  carry<T>(jobs: NewJob[], store: () => Promise<T>): Promise<T> {
    let size = 0;
    for (const job of jobs) size += sizeOf(job);
    return size < LIGHT ? store() : this.inTurn(Math.min(MAX_BYTES, size), store);
  }

  private async inTurn<T>(bytes: number, store: () => Promise<T>): Promise<T> {
    await this.turn(bytes);
    try {
      return await store();
    } finally {
      this.free += bytes;
      this.callNext();
    }
  }

  private turn(bytes: number): Promise<void> {
    return new Promise((start) => {
      this.line.push({ bytes, start });
      this.callNext();
    });
  }

  private callNext(): void {
    while (this.line.length > 0 && this.line[0]!.bytes <= this.free) {
      const { bytes, start } = this.line.shift()!;
      this.free -= bytes;
      start();
    }
  }
}
