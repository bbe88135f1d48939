import { delayAfter } from '../job/backoff.js';
import type { Failure } from '../job/failure.js';
import { attemptsOf, type QueuePolicy } from '../options/queue-policy.js';
import type { StoredOptions } from '../job/new-job.js';

export type Ending = { kind: 'cancelled'; reason: string } | { kind: 'failed'; error: Failure };
export type Going = { kind: 'retried'; delayMs: number; error: Failure } | { kind: 'released'; delayMs: number };

/** What becomes of a pulled run that did not succeed. */
export type ReturnOutcome = Ending | Going;

export const RELEASED: ReturnOutcome = { kind: 'released', delayMs: 0 };
export const CANCELLED: Ending = { kind: 'cancelled', reason: 'cancelled while it ran' };

/** A run that failed, as its worker told it; `thrown` is for a `custom()` backoff. */
interface ToldFailure {
  error: Failure;
  retryable: boolean;
  thrown: unknown;
}

/** `attempt` counts the runs before it. */
interface FailedRun {
  attempt: number;
  options: StoredOptions | null;
}

/** Retried while attempts last, if its worker thinks that it is worth it. */
export function afterFailure(run: FailedRun, told: ToldFailure, policy: QueuePolicy): ReturnOutcome {
  const { options } = run;
  const attempt = run.attempt + 1;
  const { error, retryable, thrown } = told;
  if (!retryable || attempt >= attemptsOf(policy, options)) return { kind: 'failed', error };
  return { kind: 'retried', error, delayMs: delayAfter(options?.backoff ?? policy.backoff, attempt, thrown) };
}
