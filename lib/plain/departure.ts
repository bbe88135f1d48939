import { KEPT_IN, type TerminalState } from '../job/job-state.js';
import { CANCELLED, type Outcome } from '../job/outcome.js';
import type { QueuePolicy } from '../options/queue-policy.js';
import type { Returned } from '../pull/job-queue.js';
import { burialOf, isGoing, returnOf } from '../settle/commands.js';
import type { Ending, PlainJob } from './plain-job.js';
import { isLone, suspicionAfter } from './suspects.js';

/** Where a job goes that leaves its lease: it has ended, or may run again after `delayMs`. */
export interface Departure {
  delayMs?: number;
  end?: Ending;
}

/** The same of a run that its worker has settled. */
export interface Settled extends Departure {
  as: 'succeeded' | Returned;
  /** Of this run, 1 for the first. */
  attempt: number;
}

/** The lease that a job leaves, and the time of the store's clock. */
export interface Leaving {
  worker: string;
  takenAt: number;
  now: number;
}

/** @param text JSON of the outputs. */
export function succeeded(
  job: PlainJob,
  { worker, takenAt, now }: Leaving,
  text?: string,
): Settled {
  const output: unknown = text === undefined ? undefined : (JSON.parse(text) ?? undefined);
  const end = { state: 'succeeded', worker, runMs: now - takenAt, output } as const;
  job.lastError = undefined;
  return { as: 'succeeded', attempt: ++job.attempt, end };
}

/** A run that ended by itself clears the suspicion and its stalls; a released one keeps them. */
export function givenUp(
  job: PlainJob,
  said: Outcome,
  { worker, takenAt, now, policy }: Leaving & { policy: QueuePolicy },
): Settled {
  const run = job.ended(policy, now - takenAt);
  const outcome = unlessCancelled(job, said);
  const told = {
    as: (job.cancelAt === undefined ? outcome.kind : 'cancelled') as Returned,
    attempt: run.attempt,
  };
  if (!isGoing(outcome)) {
    job.take(burialOf({ run, outcome }, worker).verdict, now);
    return { ...told, end: { state: told.as as TerminalState, worker, runMs: run.runMs } };
  }
  const { change } = returnOf({ run, outcome }, worker);
  job.take(change, now);
  if (change.ran) job.stalls = job.suspicion = 0;
  return { ...told, delayMs: change.delayMs ?? 0 };
}

/** A job that was asked to stop does not go back; a last failure is reported all the same, as its own. */
const unlessCancelled = (job: PlainJob, outcome: Outcome): Outcome =>
  job.cancelAt === undefined || outcome.kind === 'failed' ? outcome : CANCELLED;

/** Its lease has lapsed: as a crash under it. */
export function reaped(job: PlainJob, maxStalls: number): Departure {
  if (job.cancelAt !== undefined) return { end: { state: 'cancelled' } };
  const alone = isLone(job);
  if (alone || job.suspicion === 2) job.stalls++;
  if (!alone || job.stalls < maxStalls) {
    job.suspicion = suspicionAfter(job, { maxStalls });
    return { delayMs: 0 };
  }
  const message = `The process died ${job.stalls} times while this job was suspected of it, at last while it ran alone.`;
  job.lastError = { name: 'QueueError', code: 'JOB_POISONED', message };
  return { end: { state: 'poisoned' } };
}

/** How long a job that ended so is kept; 0: not at all. */
export const keptMs = (
  { archiveKeepMs = 0, deadLetterKeepMs }: QueuePolicy,
  state: TerminalState,
): number => (KEPT_IN[state] === 'archive' ? archiveKeepMs : deadLetterKeepMs);
