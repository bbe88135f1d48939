import { counted } from '../runtime/words.js';
import { matches } from '../job/values/queue-pattern.js';
import { RecentAnswer } from '../runtime/recent-answer.js';
import { ask, codeOf, problemsOf, type Asked } from './asked.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { BlockedGroups, OldestReady } from '../storage/diagnosis/health.repository.js';
import type { Storage } from '../storage/storage.js';
import type { Trouble } from '../job/trouble.js';
import { troublesOf } from '../troubles/troubles.js';
import { Growth } from './growth.js';
import type { InMs } from '../job/values/duration.js';
import { checkLimits, type HealthLimits } from './health-limits.js';
import { spoolInShort, type SpoolHealth } from './spool-health.js';

/** What an indicator says under its key, in the shape that `@nestjs/terminus` takes. */
export type HealthState = {
  status: 'up' | 'down';
  /** What is wrong, in words; missing where nothing is. Never a payload, never an address. */
  problems?: string[];
  worker: WorkerState;
  /** Since a poll last went well. */
  pollSilentMs?: number;
  /** Since the database last confirmed the lease. */
  leaseSilentMs?: number;
  /** Is the listener for wake-ups connected? Missing where nobody listens. */
  listening?: boolean;
  /** How long the job waits that is ready for the longest time, among 20,000 kinds and priorities; missing where none is. */
  oldestReadyMs?: number;
  /** Jobs that ended badly within five minutes, as far as this process has looked. */
  deadLetters?: number;
  /** Ordered groups that a job which ended badly blocks until somebody retries, purges or releases it. */
  blockedGroups?: number;
  /** Loops of this process whose last rounds all failed; missing where none does. They make nothing `down`. */
  failingLoops?: FailingLoopState[];
  /** With the option `spool`: what waits on this machine's disk for the database, and what was put aside. */
  spool?: SpoolHealth;
  /** What waits for a person; `QueueAdmin.troubles()` says it in words. Makes nothing `down`. */
  troubles?: Pick<Trouble, 'code' | 'level' | 'queue' | 'count'>[];
  /** Why `troubles` is missing. Makes nothing `down`. */
  troublesUnread?: string;
};
type FailingLoopState = Omit<FailingLoop, 'error'> & {
  /** The code of the last error. */
  error: string;
};
/** The worker of this process: `disabled` by `worker: false`, `stopping` while it drains. */
export type WorkerState = 'disabled' | 'stopped' | 'running' | 'stopping';
/** An indicator's answer: the state, under the key that was asked for. */
export type HealthAnswer<Key extends string = string> = Record<Key, HealthState>;

/** How the loops of a worker do, in milliseconds. */
export interface WorkerPulse {
  /** Since a poll last went well. */
  pollSilentMs: number;
  /** Since the database last confirmed the lease. */
  leaseSilentMs: number;
  /** How long the present round of polling or of the heartbeat has been under way. */
  turningMs: number;
  /** Loops that have failed several times in a row. */
  failing: FailingLoop[];
}

interface FailingLoop {
  loop: string;
  /** Failed rounds in a row. */
  rounds: number;
  /** Since a round last went well. */
  silentMs: number;
  error: unknown;
}

/** The worker, as health sees it. */
interface WatchedWorker {
  readonly state: WorkerState;
  readonly pulse: WorkerPulse | undefined;
}

interface Measured {
  oldest: OldestReady[];
  blocked: BlockedGroups[];
  deadLetters: number;
}
type Limits = Required<InMs<HealthLimits>>;

/** Probes of several kinds come at once; the database is asked once. */
const FRESH_MS = 1_000;
/** What waits for a person waits for longer, and takes several statements. */
const TROUBLES_FRESH_MS = 5_000;
const WINDOW_MS = 300_000;

/**
 * Says how the queue does, for `@nestjs/terminus` and probes. Cheap, and it never hangs: the database has `timeoutMs` to answer, and is
 * asked once a second at most. Nothing here throws but `INVALID_OPTION` for wrong limits.
 */
export class QueueHealth {
  private readonly growth = new Growth(WINDOW_MS);
  private readonly ping = new RecentAnswer(() => this.storage.health.ping(), FRESH_MS);
  private readonly measured = new RecentAnswer(() => this.measure(), FRESH_MS);
  private readonly troubles = new RecentAnswer(
    () => troublesOf(this.storage, this.options),
    TROUBLES_FRESH_MS,
  );

  /** @internal The module makes it. */
  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly worker: WatchedWorker,
  ) {}

  /** For liveness: would a restart of this process help? A database that is away does not count. Asks nothing of the database. */
  async isAlive<const Key extends string>(
    key: Key,
    limits: HealthLimits = {},
  ): Promise<HealthAnswer<Key>> {
    const { stuckMs } = this.limits(limits);
    const { pulse } = this.worker;
    const stuck = pulse !== undefined && pulse.turningMs > stuckMs;
    return this.answer(
      key,
      stuck ? [`A loop has been stuck for ${seconds(pulse.turningMs)}.`] : [],
    );
  }

  /**
   * For readiness: can this process enqueue, and does its worker work? Down from the first moment of a shutdown. Up without a database as
   * long as a spool takes what is enqueued: traffic has to get there.
   */
  async isReady<const Key extends string>(
    key: Key,
    limits: HealthLimits = {},
  ): Promise<HealthAnswer<Key>> {
    const checked = this.limits(limits);
    const problems = this.workerProblems(checked);
    problems.push(...problemsOf(await ask(this.ping, checked)));
    const isSpared = this.storage.spool?.hasRoom && this.worker.state !== 'stopping';
    return this.answer(key, isSpared ? [] : problems);
  }

  /** For people and alarms: ready, woken in time, no job waits for too long, few end badly, and no group waits for a person. */
  async isHealthy<const Key extends string>(
    key: Key,
    limits: HealthLimits = {},
  ): Promise<HealthAnswer<Key>> {
    const checked = this.limits(limits);
    const problems = [...this.workerProblems(checked), ...this.listenerProblems(checked)];
    const until = performance.now() + checked.timeoutMs;
    const asked = await ask(this.measured, checked);
    if (asked.problem !== undefined) return this.answer(key, [...problems, asked.problem]);
    // One after the other: a small pool has no second connection for a mere detail.
    const timeoutMs = Math.max(1, until - performance.now());
    const found = await ask(this.troubles, { timeoutMs });
    const { oldest, blocked, deadLetters } = asked.answer;
    const counts = ({ queue }: { queue: string }): boolean =>
      checked.queues.some((pattern) => matches(pattern, queue));
    const waiting = oldest.filter(counts);
    const blockedGroups = sumOf(blocked.filter(counts));
    problems.push(
      ...waitingProblems(waiting, checked),
      ...deadLetterProblems(deadLetters, checked),
    );
    problems.push(...blockedProblems(blockedGroups, checked));
    const oldestReadyMs = waiting[0] && Math.round(waiting[0].oldestMs);
    return this.answer(key, problems, {
      ...(oldestReadyMs !== undefined && { oldestReadyMs }),
      deadLetters,
      blockedGroups,
      ...troublesIn(found),
    });
  }

  private limits(given: HealthLimits): Limits {
    return checkLimits(given, this.options);
  }

  private answer<Key extends string>(
    key: Key,
    problems: string[],
    figures: Partial<HealthState> = {},
  ): HealthAnswer<Key> {
    const { pulse, state } = this.worker;
    const { listening } = this.storage.signals;
    const health: HealthState = {
      status: problems.length === 0 ? 'up' : 'down',
      ...(problems.length > 0 && { problems }),
      worker: state,
      ...(pulse && {
        pollSilentMs: Math.round(pulse.pollSilentMs),
        leaseSilentMs: Math.round(pulse.leaseSilentMs),
        ...(pulse.failing.length > 0 && { failingLoops: pulse.failing.map(loopInShort) }),
      }),
      ...(listening && { listening: listening.isListening }),
      ...(this.storage.spool && { spool: spoolInShort(this.storage.spool.state) }),
      ...figures,
    };
    return { [key]: health } as HealthAnswer<Key>;
  }

  private workerProblems({ pollSilentMs }: Limits): string[] {
    const { state, pulse } = this.worker;
    if (state === 'stopping') return ['The worker is stopping.'];
    if (state === 'stopped' && this.options.worker?.autoStart) return ['The worker does not run.'];
    if (!pulse) return [];
    const lapsed = pulse.leaseSilentMs > this.options.leaseMs;
    return [
      ...(pulse.pollSilentMs > pollSilentMs
        ? [`No poll has gone well for ${seconds(pulse.pollSilentMs)}.`]
        : []),
      ...(lapsed
        ? [
            `The lease could not be renewed for ${seconds(pulse.leaseSilentMs)}: other workers take its jobs.`,
          ]
        : []),
    ];
  }

  /** Polling is the truth: a listener that is away costs time, so a moment without it is no problem. */
  private listenerProblems({ listenerSilentMs: most }: Limits): string[] {
    const { listening } = this.storage.signals;
    if (most === false || !listening || listening.isListening || listening.silentMs <= most)
      return [];
    return [
      `Nothing listens for wake-ups for ${seconds(listening.silentMs)}: jobs wait for the next poll.`,
    ];
  }

  private async measure(): Promise<Measured> {
    const oldest = await this.storage.health.oldestReady();
    const blocked = await this.storage.health.blockedGroups();
    return {
      oldest,
      blocked,
      deadLetters: Math.round(this.growth.add(await this.storage.health.deadLettersWritten())),
    };
  }
}

/** Codes and counts alone: what a text names may be nobody else's business. */
const inShort = ({ code, level, queue, count }: Trouble) => ({
  code,
  level,
  ...(queue !== undefined && { queue }),
  count,
});

const troublesIn = (asked: Asked<Trouble[]>): Partial<HealthState> =>
  asked.problem === undefined
    ? { troubles: asked.answer.map(inShort) }
    : { troublesUnread: asked.problem };

const loopInShort = ({ silentMs, error, ...failing }: FailingLoop): FailingLoopState => ({
  ...failing,
  silentMs: Math.round(silentMs),
  error: codeOf(error),
});

function waitingProblems(waiting: OldestReady[], { oldestReadyMs: most }: Limits): string[] {
  if (most === false) return [];
  return waiting
    .filter(({ oldestMs }) => oldestMs > most)
    .map(
      ({ queue, oldestMs }) => `Queue "${queue}" has a job that is ready for ${seconds(oldestMs)}.`,
    );
}

function deadLetterProblems(deadLetters: number, { maxDeadLetters: most }: Limits): string[] {
  return most === false || deadLetters <= most
    ? []
    : [`${counted(deadLetters, 'job has', 'jobs have')} failed for good within five minutes.`];
}

function blockedProblems(groups: number, { maxBlockedGroups: most }: Limits): string[] {
  if (most === false || groups <= most) return [];
  const text = groups === 1 ? '1 ordered group is' : `${groups} ordered groups are`;
  return [`${text} blocked by a failed job: retry, purge or release it.`];
}

const sumOf = (blocked: BlockedGroups[]): number =>
  blocked.reduce((sum, { groups }) => sum + groups, 0);

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
