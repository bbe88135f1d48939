import { checkQueuePattern } from '../job/values/queue-pattern.js';
import { QueueError } from '../job/queue.errors.js';
import { listOf, orFalse, passes, shape, whole, type Rule } from '../runtime/rules.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { DAY_MS, inMs, type Duration, type InMs } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';

/** From where on `QueueHealth` complains. Durations are milliseconds, or texts such as `'2 min'`. */
export interface HealthLimits {
  /** How long the database may take to answer, default 1,000. */
  timeoutMs?: Duration;
  /** How long a round of a loop may be under way before the process counts as stuck, default 120,000 and ten query timeouts at least. */
  stuckMs?: Duration;
  /** Longest time without a poll that went well, default three poll intervals and two query timeouts. */
  pollSilentMs?: Duration;
  /** Longest time that the listener for wake-ups may be away, default 30,000; `false`: it does not matter. */
  listenerSilentMs?: Duration | false;
  /** Longest time that a job may be ready and not run, default 300,000; `false`: it does not matter. Paused queues do not count. */
  oldestReadyMs?: Duration | false;
  /** How many jobs may fail for good in five minutes, in all queues together, default 100; `false`: it does not matter. */
  maxDeadLetters?: number | false;
  /** How many ordered groups may be blocked by a failed job, default 0; `false`: it does not matter. */
  maxBlockedGroups?: number | false;
  /** Whose ready jobs and blocked groups count for `oldestReadyMs` and `maxBlockedGroups`, by name or by prefix (`mail.*`); default all queues. */
  queues?: string[];
}

const limitRules = shape({
  timeoutMs: duration(1, 60_000),
  stuckMs: duration(1_000, DAY_MS),
  pollSilentMs: duration(0, DAY_MS),
  listenerSilentMs: orFalse(duration(0, DAY_MS)),
  oldestReadyMs: orFalse(duration(0, 365 * DAY_MS)),
  maxDeadLetters: orFalse(whole(0, 1_000_000_000)),
  maxBlockedGroups: orFalse(whole(0, 10_000)),
  queues: listOf(passes(checkQueuePattern)),
} satisfies Record<keyof HealthLimits, Rule>);

type WhatOptionsSay = Pick<ResolvedOptions, 'pollIntervalMs' | 'queryTimeoutMs'>;

/** @throws QueueError `INVALID_OPTION` with all that is wrong. */
export function checkLimits(
  given: HealthLimits,
  options: WhatOptionsSay,
): Required<InMs<HealthLimits>> {
  const limits = inMs(given);
  const problems = limitRules(limits, '');
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `QueueHealth: ${problems.join('; ')}.`);
  const said = Object.fromEntries(
    Object.entries(limits).filter(([, value]) => value !== undefined),
  );
  return { ...defaultsFor(options), ...said };
}

const defaultsFor = ({
  pollIntervalMs,
  queryTimeoutMs,
}: WhatOptionsSay): Required<InMs<HealthLimits>> => ({
  timeoutMs: 1_000,
  stuckMs: Math.max(120_000, 10 * queryTimeoutMs),
  pollSilentMs: 3 * pollIntervalMs + 2 * queryTimeoutMs,
  listenerSilentMs: 30_000,
  oldestReadyMs: 300_000,
  maxDeadLetters: 100,
  maxBlockedGroups: 0,
  queues: ['*'],
});
