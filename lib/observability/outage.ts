import type { QueueEventBus, QueueEvents } from './events.js';

/** A reminder that it lasts, while it lasts. */
const REMIND_MS = 60_000;
/** Longer than any loop needs to meet an error once its rest is over. */
const PATIENCE_MS = 1_000;

const REFUSED = new Set(['DATABASE_UNAVAILABLE', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT']);

/** What there is to tell of a database that is away. `ms`: for how long, up to now or in all. */
export type OutageNews =
  { phase: 'began' | 'lasts'; ms: number; error: unknown } | { phase: 'over'; ms: number };

/**
 * Makes a few lines of what every loop of a process meets while its database is away: one when it begins, one a minute, one when it is over.
 * It is over when a poll has gone well and each loop that had failed has tried again since. Polls are listened to only meanwhile.
 */
export class Outage {
  private since: number | undefined;
  private toldAt = 0;
  /** When the last of the loops that failed has tried again. */
  private triedAt = 0;
  /** Of the first poll that went well since the last failure. */
  private goodAt: number | undefined;
  private stop: () => void = () => undefined;

  constructor(
    private readonly events: QueueEventBus,
    private readonly tell: (news: OutageNews) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** False: it is about something else, and has a line of its own. */
  takes({ error, restMs }: QueueEvents['loopFailed']): boolean {
    const { code, isBlocked, isRefusal } = (error ?? {}) as Record<string, unknown>;
    if (typeof code !== 'string' || !REFUSED.has(code) || isBlocked || isRefusal) return false;
    const now = this.now();
    // Without polls nobody learns of its end. An attempt may take long.
    if (now > this.triedAt + REMIND_MS) this.forget();
    this.goodAt = undefined;
    this.triedAt = Math.max(this.triedAt, now + restMs + PATIENCE_MS);
    if (this.since === undefined) this.begin(now, error);
    else if (now - this.toldAt >= REMIND_MS)
      this.say({ phase: 'lasts', ms: now - this.since, error });
    return true;
  }

  detach(): void {
    this.stop();
  }

  private forget(): void {
    this.stop();
    this.since = this.goodAt = undefined;
    this.triedAt = 0;
  }

  private begin(now: number, error: unknown): void {
    this.since = now;
    this.stop = this.events.on('polled', () => this.polled());
    this.say({ phase: 'began', ms: 0, error });
  }

  private polled(): void {
    const now = this.now();
    this.goodAt ??= now;
    if (now < this.triedAt) return;
    const ms = this.goodAt - this.since!;
    this.forget();
    this.say({ phase: 'over', ms });
  }

  private say(news: OutageNews): void {
    this.toldAt = this.now();
    this.tell(news);
  }
}
