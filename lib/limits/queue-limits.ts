import { setTimeout } from 'node:timers/promises';
import { queueOfKeys } from '../job/limit.js';
import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { DAY_MS, inMs, msOf, type Duration } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';
import type { QueueEventBus } from '../observability/events.js';
import { unknownLimit } from '../options/limit-rules.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { holding, isHeld } from '../runtime/held-names.js';
import { callable, must, shape, whole, type Rule } from '../runtime/rules.js';
import { Uuid7 } from '../runtime/uuid7.js';
import { bounded, type Bound } from '../runtime/bounded.js';
import { within } from '../runtime/within.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Entry } from '../storage/limits/limit.repository.js';
import type { Storage } from '../storage/storage.js';
import { FleetLimits } from './fleet-limits.js';
import { lateMsOf, SLOW_TRIES } from './lateness.js';
import { late, Turnstile, type Asked } from './turnstile.js';

/** How a call enters a limit. */
export interface WithinOptions {
  /** Permits, and starts of a rate, that the call takes; default 1. */
  weight?: number;
  /** Ends the wait; the call itself is not interrupted. */
  signal?: AbortSignal;
  /** How long to wait at most, milliseconds or a text such as `'5 s'`; default 60,000. 0: asks at most once. */
  timeoutMs?: Duration;
}

const WAIT_MS = 60_000;
/** How soon a full limit is asked again where nobody reports it. */
const ASK_MS = 500;
const DENIED = '42501';

/** Of a text with a NUL the database has none; nobody holds a limit per key by its name. */
const nameOf = must(
  (value) => typeof value === 'string' && !value.includes('\0') && queueOfKeys(value) === undefined,
  'the name of a limit',
);

const withinOptions = shape({
  weight: whole(1, 1_000_000),
  signal: must((value) => value instanceof AbortSignal, 'an AbortSignal'),
  timeoutMs: duration(0, DAY_MS),
} satisfies Record<keyof WithinOptions, Rule>);

/** A call that waits, and what it takes with it. */
interface Call {
  name: string;
  id: string;
  weight: number;
  until: number;
}

/** `signal`: its time is over, or the caller has lost interest. */
type Waiting = Call & { signal: AbortSignal };

/** Limits across the fleet for calls outside of jobs: a controller that calls the same API as the handlers do. */
export class QueueLimits {
  private readonly fleet: FleetLimits;
  private readonly turnstile: Turnstile;
  private readonly ids = new Uuid7();
  private readonly inside = new Set<Promise<unknown>>();
  private reapAt = 0;
  private isClosing = false;
  private opening: Promise<void> | undefined;

  /** @internal The module makes it. */
  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    events: QueueEventBus,
    private readonly leases: { reapExpiredLeases(): Promise<unknown> },
  ) {
    this.fleet = new FleetLimits({ storage, options, events });
    this.turnstile = new Turnstile(storage, options.leaseMs);
    const graceMs = () => (this.inside.size > 0 ? options.shutdownGraceMs : 0);
    storage.beforeClose(() => this.close(), graceMs);
  }

  /** @internal A process without a worker declares nothing at its start, and reads the keys of its jobs all the same: elsewhere than others, perhaps. */
  async onApplicationBootstrap(): Promise<void> {
    const { worker, queues } = this.options;
    if (worker || ![...queues.values()].some(({ perKey }) => perKey)) return;
    await this.fleet.compareAll().catch(() => undefined);
  }

  /**
   * Calls `work` when the limit has room for it, and returns what it returns. The permit is held until `work` ends, or this process dies; calls of
   * one process enter in the order of their calls. An application that closes waits up to `shutdownGraceMs` for the calls inside, then gives
   * their permits back; what still waits to enter is refused with `CLOSED`.
   * @throws QueueError `LIMIT_UNKNOWN`, `LIMIT_UNREACHABLE` (more than there ever is), `LIMIT_HELD` (within the same limit already),
   * `LIMIT_TIMEOUT`, `INVALID_OPTION`; the signal's reason.
   */
  within<T>(name: string, work: () => Promise<T> | T): Promise<T>;
  within<T>(name: string, options: WithinOptions, work: () => Promise<T> | T): Promise<T>;
  async within<T>(
    name: string,
    given: WithinOptions | (() => Promise<T> | T),
    after?: () => Promise<T> | T,
  ): Promise<T> {
    const [options, work] = typeof given === 'function' ? [{}, given] : [given, after!];
    refuse([
      ...nameOf(name, 'name'),
      ...withinOptions(inMs(options), ''),
      ...callable(work, 'work'),
    ]);
    if (isHeld(this.options.schema, name)) throw held(name);
    const { weight = 1, signal, timeoutMs = WAIT_MS } = options;
    const bound = { signal, timeoutMs: msOf(timeoutMs) };
    const until = performance.now() + bound.timeoutMs;
    const call = { name, weight, id: this.ids.next(), until };
    const inside = this.stay(call, await this.entered(call, bound), work);
    this.inside.add(inside);
    return inside.finally(() => this.inside.delete(inside));
  }

  /** Whoever gives up waits for nobody in front, and for no reply; its own turn finds its time over, and leaves. */
  private entered(call: Call, bound: Bound): Promise<Entry> {
    const ends = {
      late: () => late(call, this.storage),
      unwanted: (entry: Entry) => this.abandon(call, entry),
    };
    return bounded(bound, ends, async (signal) => {
      await this.open();
      return this.begin({ ...call, signal });
    });
  }

  private async begin(call: Waiting): Promise<Entry> {
    for (let tries = 1; ; tries++) {
      const entry = await this.turnstile.inLine(call, () => this.enter(call));
      // It was drawn in between; after so many tries its time counts from the reply.
      const drawnAt = tries < SLOW_TRIES ? entry.askedAt : performance.now();
      if (entry.startMs > 0) await this.untilStart(call, entry);
      if (performance.now() - drawnAt - entry.startMs <= lateMsOf(entry)) return entry;
      await this.abandon(call, entry);
    }
  }

  private async stay<T>(
    { name, id }: Call,
    { concurrency }: Entry,
    work: () => Promise<T> | T,
  ): Promise<T> {
    try {
      return await holding(this.options.schema, () => [name], work);
    } finally {
      await this.turnstile.leave(name, id, concurrency === null);
    }
  }

  /** A deploy holds up nobody: who has a permit gives it back before the connections close. */
  private async close(): Promise<void> {
    this.isClosing = true;
    this.turnstile.wakeAll();
    const ended = Promise.allSettled(this.inside);
    await within(ended, this.options.shutdownGraceMs);
    await this.turnstile.leaveAll();
  }

  /**
   * Somebody was told to come later (HTTP 429): nothing that obeys the limit starts in this `time` (milliseconds, or a text such as `'5 s'`), in any
   * process.
   * @throws QueueError `LIMIT_UNKNOWN`, `INVALID_OPTION`.
   */
  async slowDown(name: string, time: Duration): Promise<void> {
    const ms = msOf(time);
    refuse([...nameOf(name, 'name'), ...duration(1, DAY_MS)(ms, 'time')]);
    await this.open();
    const [row] = await this.storage.limits.list([name]);
    if (!row) await this.declareAgain(name);
    await this.storage.limits.hold(name, row?.ofQueue ?? false, ms);
    this.storage.signals.tellOfLimit(name, { isRule: true });
  }

  private open(): Promise<void> {
    if (!this.fleet.declaresAny) return Promise.resolve();
    this.opening ??= this.fleet.declare(undefined).catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  /** Others of this process may ask meanwhile. */
  private async untilStart(call: Waiting, entry: Asked): Promise<void> {
    try {
      await setTimeout(Math.ceil(entry.startMs), undefined, { signal: call.signal });
      if (this.isClosing) throw closed();
    } catch (error) {
      await this.abandon(call, entry);
      throw call.signal.aborted ? call.signal.reason : error;
    }
  }

  private async abandon({ name, id, weight }: Call, { fullAt }: Entry): Promise<void> {
    if (fullAt) await this.storage.limits.giveBackStarts(name, weight, fullAt).catch(() => undefined); // prettier-ignore
    await this.turnstile.leave(name, id);
  }

  private async enter(call: Waiting): Promise<Asked> {
    try {
      for (;;) {
        call.signal.throwIfAborted();
        if (this.isClosing) throw closed();
        const entry = (await this.turnstile.ask(call)) ?? (await this.askAnew(call));
        if (entry.entered) return entry;
        refuseUnreachable(call, entry);
        await this.rest(call, entry);
      }
    } catch (error) {
      await this.turnstile.leave(call.name, call.id);
      throw error;
    }
  }

  private async askAnew(call: Waiting): Promise<Asked> {
    await this.declareAgain(call.name);
    const entry = await this.turnstile.ask(call);
    if (!entry) throw this.unknown(call.name);
    return entry;
  }

  /** Somebody has removed it. @throws QueueError `LIMIT_UNKNOWN`: this process does not declare it either. */
  private async declareAgain(name: string): Promise<void> {
    if (!this.options.limits.has(name)) throw this.unknown(name);
    await this.fleet.declare(undefined);
  }

  private async rest(call: Waiting, { heldMs, rateMs, isFull }: Entry): Promise<void> {
    const leftMs = call.until - performance.now();
    if (leftMs <= 0) throw late(call, this.storage);
    if (isFull) await this.reap();
    const waitMs = Math.max(heldMs, rateMs) || ASK_MS;
    await this.turnstile.rest(call, Math.max(1, Math.min(leftMs, waitMs)));
  }

  /** Where no worker lives, nobody else frees what a dead process held. */
  private async reap(): Promise<void> {
    if (performance.now() < this.reapAt) return;
    this.reapAt = performance.now() + this.options.reaperIntervalMs;
    await this.leases.reapExpiredLeases().catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || error.sqlState !== DENIED) throw error;
      return this.free();
    });
  }

  /** A role that only enqueues leaves dead workers to others. */
  private async free(): Promise<void> {
    const { limits, signals } = this.storage;
    for (const name of await limits.freeShares()) signals.tellOfLimit(name);
  }

  private unknown(name: string): QueueError {
    return unknownLimit(`${quote(name)} is asked for`, name, [...this.options.limits.keys()]);
  }
}

function refuse(problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `limits: ${problems.join('; ')}.`);
}

function refuseUnreachable({ name, weight }: Call, { concurrency, burst, strict }: Entry): void {
  const most = Math.min(concurrency ?? Infinity, burst ?? Infinity);
  if (weight <= most) return;
  const why =
    strict && weight > 1
      ? 'its rate is strict, which spaces single starts'
      : `it has ${most} at most`;
  throw new QueueError(
    'LIMIT_UNREACHABLE',
    `A call with the weight ${weight} can never enter limit "${name}": ${why}. Lower the weight, or raise the limit.`,
  );
}

function held(name: string): QueueError {
  return new QueueError(
    'LIMIT_HELD',
    `Limit ${quote(name)} is held here already, by the job or call that this one is part of: it would wait for itself. Leave out the inner one.`,
  );
}

function closed(): QueueError {
  return new QueueError(
    'CLOSED',
    'The application is closing; no call enters a limit any more. Nothing was done.',
  );
}
