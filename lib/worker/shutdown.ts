import { LAST_WORDS_MS } from '../storage/storage.js';
import type { Crew } from './crew.js';

/** After the abort signals, handlers get this long to return before their jobs are released. */
const ABORT_MS = 500;
const FLUSH_REST_MS = 100;

/** How a worker ends: what runs may finish, then is asked to, then is given back with its attempt unspent. */
export class Shutdown {
  /** Jobs that did not finish in time. */
  released = 0;

  constructor(private readonly crew: Crew) {}

  async drain(graceMs: number, hurry?: AbortSignal): Promise<void> {
    const { dispatcher } = this.crew;
    if (await Promise.race([dispatcher.whenIdle(graceMs), aborted(hurry)])) return;
    for (const run of dispatcher.runs())
      run.abort('SHUTDOWN', 'The process is shutting down and its grace period is over.');
    if (!(await dispatcher.whenIdle(ABORT_MS))) this.release();
  }

  /** Turns the settling rounds by hand until nothing waits: the loops have stopped. */
  async flush(): Promise<void> {
    const { settler, claims } = this.crew;
    const deadline = performance.now() + LAST_WORDS_MS;
    while ((!settler.isEmpty || claims.hasEnded) && performance.now() < deadline)
      await this.settleOnce();
  }

  private async settleOnce(): Promise<void> {
    try {
      await this.crew.settleQueue.settle();
      await this.crew.poller.poll();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, FLUSH_REST_MS));
    }
  }

  private release(): void {
    for (const run of this.crew.dispatcher.runs()) {
      if (run.settled) continue;
      run.settled = true;
      this.released++;
      this.crew.intake.giveBack([run], 'shutdown');
    }
    // Or the timer of whoever waits for them would keep the process alive.
    this.crew.dispatcher.notice();
  }
}

/** Resolves to false when the signal aborts; never without one. */
function aborted(signal?: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(false);
    else signal?.addEventListener('abort', () => resolve(false), { once: true });
  });
}
