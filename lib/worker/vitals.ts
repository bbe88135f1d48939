import { monitorEventLoopDelay } from 'node:perf_hooks';
import { hostname } from 'node:os';
import type { About } from '../storage/leases/lease.repository.js';

const MB = 1_048_576;

/** How this process is, for those who look at workers. */
export class Vitals {
  private readonly delay = monitorEventLoopDelay({ resolution: 20 });
  private version: Promise<string> | undefined;

  /** Since it was asked before. */
  async about(): Promise<About> {
    this.version ??= versionOf();
    this.delay.enable();
    const loopMs = Math.max(0, Math.round(this.delay.max / 1e6));
    this.delay.reset();
    const memoryMb = Math.round(process.memoryUsage.rss() / MB);
    return { version: await this.version, host: hostname().slice(0, 100), loopMs, memoryMb };
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
