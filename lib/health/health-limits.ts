import { checkQueuePattern } from '../job/queue-pattern.js';
import { QueueError } from '../job/queue.errors.js';
import { listOf, orFalse, passes, shape, whole, type Rule } from '../runtime/rules.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';

/** From where on `QueueHealth` complains. Durations are milliseconds. */
export interface HealthLimits {
  /** How long the database may take to answer, default 1,000. */
  timeoutMs?: number;
  /** How long a round of a loop may be under way before the process counts as stuck, default 120,000 and ten query timeouts at least. */
  stuckMs?: number;
  /** Longest time without a poll that went well, default three poll intervals and two query timeouts. */
  pollSilentMs?: number;
  /** Longest time that the listener for wake-ups may be away, default 30,000; `false`: it does not matter. */
  listenerSilentMs?: number | false;
  /** Longest time that a job may be ready and not run, default 300,000; `false`: it does not matter. Paused queues do not count. */
  oldestReadyMs?: number | false;
  /** How many jobs may end badly in five minutes, in all queues together, default 100; `false`: it does not matter. */
  maxDeadLetters?: number | false;
  /** How many ordered groups may be blocked by a failed job, default 0; `false`: it does not matter. */
  maxBlockedGroups?: number | false;
  /** Whose ready jobs and blocked groups count for `oldestReadyMs` and `maxBlockedGroups`, by name or by prefix (`mail.*`); default all queues. */
  queues?: string[];
}

const DAY_MS = 86_400_000;

const limitRules = shape({
  timeoutMs: whole(1, 60_000),
  stuckMs: whole(1_000, DAY_MS),
  pollSilentMs: whole(0, DAY_MS),
  listenerSilentMs: orFalse(whole(0, DAY_MS)),
  oldestReadyMs: orFalse(whole(0, 365 * DAY_MS)),
  maxDeadLetters: orFalse(whole(0, 1_000_000_000)),
  maxBlockedGroups: orFalse(whole(0, 10_000)),
  queues: listOf(passes(checkQueuePattern)),
} satisfies Record<keyof HealthLimits, Rule>);

type WhatOptionsSay = Pick<ResolvedOptions, 'pollIntervalMs' | 'queryTimeoutMs'>;

/** @throws QueueError `INVALID_OPTION` with all that is wrong. */
export function checkLimits(given: HealthLimits, options: WhatOptionsSay): Required<HealthLimits> {
  const problems = limitRules(given, '');
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `QueueHealth: ${problems.join('; ')}.`);
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...defaultsFor(options), ...said };
}

const defaultsFor = ({
  pollIntervalMs,
  queryTimeoutMs,
}: WhatOptionsSay): Required<HealthLimits> => ({
  timeoutMs: 1_000,
  stuckMs: Math.max(120_000, 10 * queryTimeoutMs),
  pollSilentMs: 3 * pollIntervalMs + 2 * queryTimeoutMs,
  listenerSilentMs: 30_000,
  oldestReadyMs: 300_000,
  maxDeadLetters: 100,
  maxBlockedGroups: 0,
  queues: ['*'],
});
