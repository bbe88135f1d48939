import { performance } from 'node:perf_hooks';

const MOSTLY = 0.9;

/** Watches how busy the event loop of this process is, from now on. */
export class BusyLoop {
  private readonly since = performance.eventLoopUtilization();

  /** In words, where it had hardly time for anything else: replies may have lain unread. */
  words(): string | undefined {
    const { active, idle, utilization } = performance.eventLoopUtilization(this.since);
    if (utilization < MOSTLY) return undefined;
    const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
    return `the event loop of this process was blocked or busy for ${seconds(active)} of ${seconds(active + idle)} s`;
  }
}
