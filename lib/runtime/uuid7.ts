import { randomFillSync } from 'node:crypto';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const POOL_BYTES = 4_096;

/**
 * UUIDs of version 7 (RFC 9562, method 1: a 12-bit counter behind the milliseconds), monotonic within one instance:
 * jobs of one process keep their order even within a millisecond, and index pages are filled one after another.
 */
export class Uuid7 {
  private readonly pool = Buffer.alloc(POOL_BYTES);
  private used = POOL_BYTES;
  private lastMs = 0;
  private counter = 0;

  constructor(private readonly now: () => number = Date.now) {}

  next(): string {
    this.tick();
    const ms = this.lastMs;
    const time = ms.toString(16).padStart(12, '0');
    const counter = (0x7000 | this.counter).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-${counter}-${this.randomTail()}`;
  }

  /** A clock that stands still or steps back does not: the counter goes on, and borrows a millisecond when it is full. */
  private tick(): void {
    const ms = this.now();
    if (ms > this.lastMs) {
      this.lastMs = ms;
      this.counter = 0;
    } else if (++this.counter > 0xfff) {
      this.lastMs++;
      this.counter = 0;
    }
  }

  private randomTail(): string {
    if (this.used + 8 > POOL_BYTES) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    const p = this.pool;
    const at = this.used;
    this.used += 8;
    const variant = HEX[(p[at]! & 0x3f) | 0x80]!;
    return `${variant}${HEX[p[at + 1]!]}-${HEX[p[at + 2]!]}${HEX[p[at + 3]!]}${HEX[p[at + 4]!]}${HEX[p[at + 5]!]}${HEX[p[at + 6]!]}${HEX[p[at + 7]!]}`;
  }
}
