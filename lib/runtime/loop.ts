import { outside } from './outside.js';

/** One round of a duty; returns how many milliseconds to rest before the next (0: at once, Infinity: until woken). */
export type Round = () => Promise<number>;

interface LoopOptions {
  /** Called for every failed round; the loop goes on by itself after `restMs`. */
  onError: (error: unknown, restMs: number) => void;
  /** Longest rest after failed rounds, default 5,000. */
  maxRestMs?: number;
  random?: () => number;
}

const FIRST_REST_MS = 50;

/** Turns one duty round and round. Errors never end it: it rests, longer each time, and tries again. */
export class Loop {
  private timer: NodeJS.Timeout | undefined;
  private turning: Promise<void> | undefined;
  private woken = false;
  private restUntil = 0;
  private soonest = Infinity;
  private failures = 0;
  private error: unknown;
  private started = false;
  private goodAt = 0;
  private turningSince = Infinity;

  constructor(
    readonly name: string,
    private readonly round: Round,
    private readonly options: LoopOptions,
  ) {}

  /** Milliseconds since a round last went well; before the first one, since the start. */
  get silentMs(): number {
    return performance.now() - this.goodAt;
  }

  /** Milliseconds that the present round has been under way; 0 while the loop rests. */
  get turningMs(): number {
    return Math.max(0, performance.now() - this.turningSince);
  }

  /** How many rounds in a row have failed, and the last one's error. */
  get failed(): { rounds: number; error: unknown } {
    return { rounds: this.failures, error: this.error };
  }

  /** `restMs`: before the first round, unless it was woken for earlier. */
  start(restMs = 0): void {
    if (this.started) return;
    this.started = true;
    this.goodAt = performance.now();
    this.failures = 0;
    this.rest(Math.min(restMs, this.soonest));
  }

  /**
   * Ends the current rest; during a round, cancels the rest that follows it. A loop that rests after an error keeps resting.
   * Returns whether it was resting.
   */
  wake(): boolean {
    if (!this.started) this.soonest = 0;
    if (!this.started || this.failures > 0) return false;
    if (this.turning) {
      this.woken = true;
      return false;
    }
    this.rest(0);
    return true;
  }

  /** Ends the current rest in `ms` at the latest. */
  wakeIn(ms: number): void {
    if (ms <= 0) void this.wake();
    else if (
      this.started &&
      !this.turning &&
      this.failures === 0 &&
      performance.now() + ms < this.restUntil
    )
      this.rest(ms);
    else if (this.turning || !this.started) this.soonest = Math.min(this.soonest, ms);
  }

  /** Lets the current round end and turns no other. */
  async stop(): Promise<void> {
    this.started = false;
    clearTimeout(this.timer);
    await this.turning;
  }

  private rest(ms: number): void {
    clearTimeout(this.timer);
    this.restUntil = performance.now() + ms;
    if (ms === Infinity) return;
    // Who starts or wakes it may be inside a transaction; rounds must never inherit that context.
    outside(() => {
      if (ms <= 0) this.turn();
      else this.timer = setTimeout(() => this.turn(), Math.min(ms, 0x7fffffff));
    });
  }

  private turn(): void {
    if (this.turning || !this.started) return;
    this.woken = false;
    this.soonest = Infinity;
    this.turningSince = performance.now();
    this.turning = this.roundSafely().then((ms) => {
      this.turning = undefined;
      this.turningSince = Infinity;
      if (this.started)
        this.rest(this.failures > 0 ? ms : this.woken ? 0 : Math.min(ms, this.soonest));
    });
  }

  private async roundSafely(): Promise<number> {
    // A wake-up from within the round has to find it turning.
    await Promise.resolve();
    try {
      const ms = await this.round();
      this.failures = 0;
      this.error = undefined;
      this.goodAt = performance.now();
      return ms;
    } catch (error) {
      return this.restAfter(error);
    }
  }

  /** Full jitter on a doubling bound, so that a fleet does not come back in step after a restart of the database. */
  private restAfter(error: unknown): number {
    this.error = error;
    const bound = Math.min(FIRST_REST_MS * 2 ** this.failures++, this.options.maxRestMs ?? 5_000);
    const restMs = Math.ceil(bound * (0.5 + 0.5 * (this.options.random ?? Math.random)()));
    this.options.onError(error, restMs);
    return restMs;
  }
}
