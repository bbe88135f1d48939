import type { QueueEventBus } from '../observability/events.js';
import type { EndSignals } from '../storage/wake-ups/end-signals.js';
import { onEnds } from './ends.js';

/** Longer than waiters take to say it again; a process that died while it waited is forgotten after this. */
const KEEP_MS = 30_000;
/** More are not remembered: their waiters find out by looking. */
const MAX_WAITED = 10_000;

/** Notifies other processes that a job has ended for whose end they said they wait. While nobody waits it listens to nothing. */
export class EndTeller {
  /** Until when each is remembered; the oldest word comes first. */
  private readonly waited = new Map<string, number>();
  private unsubscribe: (() => void) | undefined;
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    private readonly signals: EndSignals,
    private readonly events: QueueEventBus,
  ) {
    signals.receive('waited', (ids) => this.remember(ids));
  }

  get isIdle(): boolean {
    return this.unsubscribe === undefined;
  }

  ended(id: string): void {
    if (this.waited.delete(id)) this.signals.send('ended', [id]);
    if (this.waited.size === 0) this.close();
  }

  close(): void {
    this.waited.clear();
    clearTimeout(this.sweeper);
    this.unsubscribe?.();
    this.unsubscribe = this.sweeper = undefined;
  }

  private remember(ids: string[]): void {
    const until = performance.now() + KEEP_MS;
    for (const id of ids) {
      this.waited.delete(id);
      this.waited.set(id, until);
    }
    for (const id of this.waited.keys()) {
      if (this.waited.size <= MAX_WAITED) break;
      this.waited.delete(id);
    }
    this.unsubscribe ??= onEnds(this.events, (id) => this.ended(id));
    this.sweeper ??= this.sweepIn(KEEP_MS);
  }

  private sweepIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.sweep(), ms).unref();
  }

  private sweep(): void {
    const now = performance.now();
    for (const [id, until] of this.waited) {
      if (until > now) break;
      this.waited.delete(id);
    }
    if (this.waited.size === 0) this.close();
    else this.sweeper = this.sweepIn(KEEP_MS);
  }
}
