import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;
/** Hexadecimal digits of one id's random part. */
const DIGITS = 16;
/** Of every id made here: 54 random bits beside the time and the counter are left. */
const MARK = '51';
/** The two bits of the variant, and two random ones, by random digit. */
const VARIANT = Object.fromEntries(
  Array.from('0123456789abcdef', (digit, value) => [digit, '89ab'[value % 4]!]),
);

/**
 * UUIDs of version 7 (RFC 9562, method 1: a 12-bit counter behind the milliseconds), monotonic within one instance:
 * jobs of one process keep their order even within a millisecond, and index pages are filled one after another.
 */
export class Uuid7 {
  private readonly pool = Buffer.alloc(POOL_BYTES);
  /** The pool as digits: cutting texts out of one is cheaper than writing them byte by byte. */
  private digits = '';
  private used = 0;
  private lastMs = 0;
  private counter = 0;
  private time = '';
  private timeMs = -1;

  constructor(private readonly now: () => number = Date.now) {}

  next(): string {
    this.tick();
    if (this.timeMs !== this.lastMs) this.writeTime();
    return `${this.time}${(0x7000 | this.counter).toString(16)}-${this.randomTail()}`;
  }

  /** A clock that halts or steps back does not: the counter goes on, and borrows a millisecond when it is full. */
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

  private writeTime(): void {
    const digits = this.lastMs.toString(16).padStart(12, '0');
    this.time = `${digits.slice(0, 8)}-${digits.slice(8)}-`;
    this.timeMs = this.lastMs;
  }

  private randomTail(): string {
    if (this.used === this.digits.length) this.fillPool();
    const at = this.used;
    this.used += DIGITS;
    const { digits } = this;
    return `${VARIANT[digits[at]!]}${digits.slice(at + 1, at + 4)}-${digits.slice(at + 4, at + DIGITS - MARK.length)}${MARK}`;
  }

  private fillPool(): void {
    this.digits = randomFillSync(this.pool).toString('hex');
    this.used = 0;
  }
}

const VERSION_AT = 14;

/** False for nearly all ids that others make. */
export const isMadeHere = (id: string): boolean => id.endsWith(MARK) && id[VERSION_AT] === '7';
