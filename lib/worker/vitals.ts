import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { hostname } from 'node:os';
import { cleanText, failureOf } from '../job/failure.js';
import type { About, FullSlots } from '../storage/leases/lease.repository.js';

const MB = 1_048_576;
/** How often the loop is looked at. What is measured is the time between two looks. */
const EVERY_MS = 20;

type LoopDelay = Pick<IntervalHistogram, 'max' | 'enable' | 'disable' | 'reset'>;

/** A loop that has failed several times in a row. */
export interface FailedLoop {
  loop: string;
  /** Since a round of it went well. */
  silentMs: number;
  error: unknown;
}

/** How this process is, for those who look at workers. */
export class Vitals {
  private version: Promise<string> | undefined;

  constructor(
    private readonly delay: LoopDelay = monitorEventLoopDelay({ resolution: EVERY_MS }),
  ) {}

  /** Since it was asked before. */
  async about(full: FullSlots[] = [], failed: FailedLoop[] = []): Promise<About> {
    this.version ??= versionOf();
    this.delay.enable();
    const loopMs = Math.max(0, Math.round(this.delay.max / 1e6) - EVERY_MS);
    this.delay.reset();
    const memoryMb = Math.round(process.memoryUsage.rss() / MB);
    const version = await this.version;
    const host = hostname().slice(0, 100);
    const failing = failed.map(({ loop, silentMs, error }) => ({
      loop,
      silentMs: Math.round(silentMs),
      error: cleanText(failureOf(error).message, 200),
    }));
    const signs = {
      ...(full.length > 0 ? { full } : {}),
      ...(failing.length > 0 ? { failing } : {}),
    };
    return { version, host, loopMs, memoryMb, ...signs };
  }

  stop(): void {
    this.delay.disable();
  }
}

/** Where the files of the package cannot be found, nothing is known of it. */
const versionOf = (): Promise<string> =>
  import('../runtime/here.js').then(
    ({ packageVersion }) => packageVersion(),
    () => 'unknown',
  );
