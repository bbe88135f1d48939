import { LAST_WORDS_MS } from '../storage/storage.js';
import type { Loop } from '../runtime/loop.js';
import type { Crew } from './crew.js';

/** After the abort signals, handlers get this long to return before their jobs are released. */
const ABORT_MS = 500;
const FLUSH_REST_MS = 100;

export interface Leave {
  hurry?: AbortSignal;
  isLeaving?: boolean;
}

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

  /** Stops the loops. Results wait for no other statement than those that bring them, and are tried for one time, however long loops stop. */
  async flush(loops: Readonly<Record<string, Loop>> = {}): Promise<void> {
    const deadline = performance.now() + LAST_WORDS_MS;
    const { poll, pollBeside, settle, settleBeside, ...others } = loops;
    const stop = (some: (Loop | undefined)[]) =>
      Promise.all(some.map(async (loop) => loop?.stop()));
    const settled = stop([poll, pollBeside, settle, settleBeside]).then(() =>
      this.settleAll(deadline),
    );
    // All at once: with the database away each of them may have a statement to give up.
    await Promise.all([settled, stop(Object.values(others))]);
    await this.settleAll(deadline);
  }

  /** Turns the settling rounds by hand until nothing waits: the loops have stopped. One round is tried in any case. */
  private async settleAll(deadline: number): Promise<void> {
    const { settler, claims } = this.crew;
    while (!settler.isEmpty || claims.hasEnded) {
      await this.settleOnce();
      if (performance.now() >= deadline) return;
    }
  }

  private async settleOnce(): Promise<void> {
    try {
      const restMs = await this.crew.settleQueue.settle();
      await this.crew.poller.poll();
      // Of what is locked. Infinity: nothing waits there.
      if (restMs > 0 && restMs < Infinity) await rest(Math.min(restMs, FLUSH_REST_MS));
    } catch {
      await rest(FLUSH_REST_MS);
    }
  }

  private release(): void {
    for (const run of this.crew.dispatcher.runs()) {
      if (run.settled) continue;
      run.settled = true;
      run.abandon?.();
      this.released++;
      this.crew.intake.giveBack([run], 'shutdown');
    }
    // Or the timer of whoever waits for them would keep the process alive.
    this.crew.dispatcher.notice();
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves to false when the signal aborts; never without one. */
function aborted(signal?: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(false);
    else signal?.addEventListener('abort', () => resolve(false), { once: true });
  });
}
