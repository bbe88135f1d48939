import { delayAfter, type Backoff } from './backoff.js';
import type { Failure } from './failure.js';
import type { Again, Verdict } from './job-result.js';
import { safely } from './kinds.js';
import { quote } from './names.js';

/** What becomes of a run: one value, whatever the handler did. */
export type Outcome =
  | { kind: 'succeeded'; output: unknown }
  | { kind: 'retried'; again: Again; error: Failure }
  | { kind: 'rescheduled'; again: Again }
  | { kind: 'released'; again: Again; reason: 'shutdown' | 'declined' | 'unstarted' | 'leaseLost' }
  | { kind: 'cancelled'; reason: string }
  | { kind: 'failed' | 'critical' | 'unprocessable' | 'poisoned'; error: Failure };

/** Its cancel was requested while it ran. */
export const CANCELLED: Outcome = { kind: 'cancelled', reason: 'cancelled while it ran' };

/** What decides between another attempt and the end. */
export interface Chances {
  /** This attempt, 1 for the first. */
  attempt: number;
  maxAttempts: number;
  reschedules: number;
  maxReschedules: number;
  backoff: Backoff;
}

/** From what the handler said to what becomes of the job. `thrown` is what it threw, for a `custom()` backoff. */
export function outcomeOf(verdict: Verdict, chances: Chances, thrown?: unknown): Outcome {
  switch (verdict.kind) {
    case 'success':
      return { kind: 'succeeded', output: verdict.output };
    case 'fail':
      return afterFailure(verdict.error, chances, () => ({
        delayMs: delayAfter(chances.backoff, chances.attempt, thrown ?? verdict.error),
      }));
    case 'retry':
      return afterFailure({ name: 'Retry', message: 'The handler asked for another attempt.' }, chances, () => verdict.again);
    case 'reschedule':
      return afterReschedule(verdict.again, chances);
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

function afterFailure(error: Failure, chances: Chances, again: () => Again): Outcome {
  return chances.attempt < chances.maxAttempts ? { kind: 'retried', again: again(), error } : { kind: 'failed', error };
}

function afterReschedule(again: Again, { reschedules, maxReschedules }: Chances): Outcome {
  if (reschedules < maxReschedules) return { kind: 'rescheduled', again };
  const message = `Rescheduled ${reschedules} times by its handler, the limit of poison.maxReschedules.`;
  return { kind: 'poisoned', error: { name: 'QueueError', code: 'JOB_POISONED', message } };
}
