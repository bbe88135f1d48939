import { delayAfter, type Backoff } from './backoff.js';
import type { AddedStep } from './added-step.js';
import type { Failure } from './failure.js';
import type { Again, Verdict } from './job-result.js';
import { safely } from './kinds.js';
import { quote } from './names.js';
import type { StoredOutput } from './values/output.js';

/** What becomes of a run: one value, whatever the handler did. */
export type Outcome =
  /** `stored` is what the database learns of the output: as it was when the handler returned. */
  | {
      kind: 'succeeded';
      output: unknown;
      stored?: StoredOutput;
      /** More steps of its workflow, and the text that stores them. */
      then?: readonly AddedStep[];
      added?: string;
    }
  | { kind: 'retried'; again: Again; error: Failure }
  | { kind: 'rescheduled'; again: Again }
  | {
      kind: 'released';
      again: Again;
      reason: 'shutdown' | 'declined' | 'unstarted' | 'leaseLost' | 'slowDown';
    }
  | { kind: 'cancelled'; reason: string }
  | { kind: 'failed' | 'critical' | 'unprocessable' | 'poisoned' | 'expired'; error: Failure };

/** Its cancel was requested while it ran. */
export const CANCELLED: Outcome = { kind: 'cancelled', reason: 'cancelled while it ran' };

/** The same before it had started. */
export const CANCELLED_EARLY: Outcome = { kind: 'cancelled', reason: 'cancelled before it ran' };

/** A worker gave it back unrun. */
export const DECLINED: Outcome = { kind: 'released', again: { delayMs: 0 }, reason: 'declined' };

/** It never started: its worker may not start it any more. */
export const UNSTARTED: Outcome = { kind: 'released', again: { delayMs: 0 }, reason: 'unstarted' };

/** What decides between another attempt and the end. */
export interface Chances {
  /** This attempt, 1 for the first. */
  attempt: number;
  maxAttempts: number;
  /** When this run was due, after its first reschedule; by the database's clock. */
  rescheduledMs: number;
  rescheduleForMs: number;
  backoff: Backoff;
}

/** From what the handler said to what becomes of the job. `thrown` is what it threw, for a `custom()` backoff. */
export function outcomeOf(verdict: Verdict, chances: Chances, thrown?: unknown): Outcome {
  switch (verdict.kind) {
    case 'success':
      return { kind: 'succeeded', output: verdict.output };
    case 'fail':
      return afterFailure(verdict.error, chances, thrown);
    case 'retry':
      return afterFailure(
        { name: 'Retry', message: 'The handler asked for another attempt.' },
        chances,
        undefined,
        verdict.again,
      );
    case 'reschedule':
      return afterReschedule(verdict.again, chances);
    case 'slowDown':
      return { kind: 'released', again: { delayMs: verdict.delayMs }, reason: 'slowDown' };
    case 'cancel':
      return { kind: 'cancelled', reason: verdict.reason };
    case 'unprocessable':
    case 'critical':
      return { kind: verdict.kind, error: verdict.error };
    default:
      return outcomeOf({ kind: 'fail', error: unknownVerdict(verdict) }, chances, thrown);
  }
}

/** Of a newer copy of the package, which knows more of them. */
function unknownVerdict(verdict: unknown): Failure {
  const kind = quote(safely(() => (verdict as Partial<Verdict>).kind));
  const message = `This version of nestjs-simple-queue does not know the JobResult ${kind}. Install one version for the whole application.`;
  return { name: 'QueueError', code: 'HANDLER_INVALID', message };
}

/** Another attempt while some are left: in its time where somebody said when, else by the backoff. `thrown` is for a `custom()` one. */
export function afterFailure(
  error: Failure,
  { attempt, maxAttempts, backoff }: Pick<Chances, 'attempt' | 'maxAttempts' | 'backoff'>,
  thrown?: unknown,
  again?: Again,
): Outcome {
  if (attempt >= maxAttempts) return { kind: 'failed', error };
  return {
    kind: 'retried',
    again: again ?? { delayMs: delayAfter(backoff, attempt, thrown ?? error) },
    error,
  };
}

function afterReschedule(again: Again, { rescheduledMs, rescheduleForMs }: Chances): Outcome {
  if (rescheduledMs < rescheduleForMs) return { kind: 'rescheduled', again };
  const message = `Its handler rescheduled it again after rescheduleForMs (${rescheduleForMs} ms) since its first reschedule. Find out what it waits for, or allow more time.`;
  return { kind: 'expired', error: { name: 'QueueError', code: 'RESCHEDULE_EXPIRED', message } };
}
