import { DRAWN_AHEAD_MS } from '../job/limit.js';
import { QueueError } from '../job/queue.errors.js';
import { workerName } from '../runtime/worker-name.js';
import type { Entry } from '../storage/limits/limit.repository.js';
import type { Storage } from '../storage/storage.js';
import { command } from '../runtime/words.js';

/** `askedAt`: when the question left, by the clock of this process. */
export type Asked = Entry & { askedAt: number };

interface Asking {
  name: string;
  id: string;
  weight: number;
  signal: AbortSignal;
  until: number;
}

const BEATS = 3;

/** Where calls of this process enter limits: one after another of each limit, and renewed as long as they last. */
export class Turnstile {
  private readonly lines = new Map<string, Promise<unknown>>();
  /** By their ids, which limit: calls that have entered, and those that ask. */
  private readonly inside = new Map<string, string>();
  private readonly resting = new Set<() => void>();
  private beat: NodeJS.Timeout | undefined;

  constructor(
    private readonly storage: Storage,
    /** A call whose process is silent for so long has lost its permit. */
    private readonly keepMs: number,
  ) {}

  /** Its turn comes when those in front have entered, or given up; it waits for them no longer than its own time. */
  inLine<T>(call: Asking, enter: () => Promise<T>): Promise<T> {
    const { name, until } = call;
    let [timer, isLate] = [undefined as NodeJS.Timeout | undefined, false];
    const next = async (): Promise<T> => {
      clearTimeout(timer);
      if (isLate) throw late(call, this.storage);
      return enter();
    };
    const front = this.lines.get(name);
    const turn = (front ?? Promise.resolve()).then(next, next);
    const settled = turn.catch(() => undefined);
    this.lines.set(name, settled);
    void settled.then(() => this.lines.get(name) === settled && this.lines.delete(name));
    if (!front) return turn;
    const givenUp = new Promise<never>((_, reject) => {
      const giveUp = (): void => reject(((isLate = true), late(call, this.storage)));
      timer = setTimeout(giveUp, Math.max(0, until - performance.now()));
    });
    return Promise.race([turn, givenUp]);
  }

  async ask({ name, id, weight, until }: Asking): Promise<Asked | undefined> {
    const askedAt = performance.now();
    const isFirst = !this.inside.has(id);
    this.inside.set(id, name);
    const { keepMs, storage } = this;
    const aheadMs = Math.max(0, Math.min(DRAWN_AHEAD_MS, until - askedAt));
    const holder = workerName();
    const entry = await storage.limits.enter(name, { id, weight, keepMs, holder, aheadMs });
    if (entry?.isFull && isFirst) storage.signals.tellOfLimit(name);
    this.beat ??= setInterval(() => this.renew(), keepMs / BEATS).unref();
    return entry && { ...entry, askedAt };
  }

  /** Until somebody reports a change of the limit, or `ms`, or the signal. */
  async rest({ name, signal }: Asking, ms: number): Promise<void> {
    const { signals } = this.storage;
    const stops: (() => void)[] = [];
    signals.startListening(this);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.resting.add(resolve);
      const onAbort = (): void => resolve();
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      stops.push(
        signals.hearOfLimits((told) => told === name && resolve()),
        () => this.resting.delete(resolve),
        () => clearTimeout(timer),
        () => signal.removeEventListener('abort', onAbort),
      );
    });
    for (const stop of stops) stop();
  }

  /** What cannot be told now is so when its time is over. `holdsNothing`: a start is not given back. */
  async leave(name: string, id: string, holdsNothing = false): Promise<void> {
    this.inside.delete(id);
    if (this.inside.size === 0) this.hush();
    if (holdsNothing) return;
    try {
      await this.storage.limits.leave(name, id);
      this.storage.signals.tellOfLimit(name);
    } catch {
      // As above.
    }
  }

  wakeAll(): void {
    for (const wake of this.resting) wake();
  }

  async leaveAll(): Promise<void> {
    await Promise.all([...this.inside].map(([id, name]) => this.leave(name, id)));
  }

  private renew(): void {
    this.storage.limits.keepEntered([...this.inside.keys()], this.keepMs).catch(() => undefined);
  }

  private hush(): void {
    clearInterval(this.beat);
    this.beat = undefined;
    void this.storage.signals.stopListening(this);
  }
}

export function late({ name }: Pick<Asking, 'name'>, { database }: Storage): QueueError {
  return new QueueError(
    'LIMIT_TIMEOUT',
    `Limit "${name}" had no room in time, or no reply of the database said so. Wait longer (timeoutMs), or look who holds it: QueueAdmin.limits(), \`${command(['limits'], database.called)}\`.`,
  );
}
