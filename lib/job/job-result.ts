import { types } from 'node:util';
import { AddedStep } from './added-step.js';
import { MAX_DELAY_MS } from './backoff.js';
import { failureOf, type Failure } from './failure.js';
import { isError, knownAcrossCopies } from './kinds.js';
import { quote, quoteNumber } from './names.js';
import { QueueError } from './queue.errors.js';
import { msOf, type Duration } from './values/duration.js';

/** What timestamptz holds and a Date can say; beyond the year 9999 is a mistake. */
export const LAST_DATE = Date.UTC(9999, 11, 31, 23, 59, 59);

/** When a job runs again: after a time measured by the database's clock, or at a moment. */
export type Again = { delayMs: number } | { at: Date };

interface SuccessOptions {
  then?: readonly AddedStep[];
}

/** What a `JobResult` carries; handlers use the static methods of `JobResult`. */
export type Verdict =
  | { kind: 'success'; output: unknown; then?: readonly AddedStep[] }
  | { kind: 'fail'; error: Failure }
  | { kind: 'retry'; again: Again }
  | { kind: 'reschedule'; again: Again }
  | { kind: 'slowDown'; delayMs: number }
  | { kind: 'cancel'; reason: string }
  | { kind: 'unprocessable'; error: Failure }
  | { kind: 'critical'; error: Failure };

/**
 * What a handler may return. Returning anything else is `JobResult.success(thatValue)`, throwing is a failure.
 *
 * Decorated methods can name the class.
 */
export class JobResult<Output = unknown> {
  /** Ties `Output` to the class for the compiler; never set. */
  declare readonly output?: Output;

  private constructor(readonly verdict: Verdict) {}

  /**
   * Done. The output is stored with the archived job (cut at `maxOutputBytes`). `then`: more steps of its workflow, made by `step` of
   * nestjs-simple-queue/workflows; whoever waits for this step waits for them, too.
   */
  static success<Output = void>(output?: Output, options: SuccessOptions = {}): JobResult<Output> {
    const then = addedSteps(options);
    return new JobResult<Output>({ kind: 'success', output, ...(then.length > 0 ? { then } : {}) });
  }

  /** This attempt failed; retried by the job's backoff while attempts last. */
  static fail(reason: unknown): JobResult<never> {
    return new JobResult<never>({ kind: 'fail', error: reasonOf(reason, 'Failed') });
  }

  /** This attempt failed; the next one, if any is left, runs at `date`. */
  static retryAt(date: Date): JobResult<never> {
    return new JobResult<never>({ kind: 'retry', again: { at: validDate(date) } });
  }

  /**
   * This attempt failed; the next one, if any is left, runs in this `time`: milliseconds, or a text such as `'30 s'`. With `slowDown` (an HTTP
   * 429) no attempt is spent, and the limits that the handler `uses`, or else its queue, rest for that time in all processes.
   */
  static retryIn(time: Duration, options: { slowDown?: boolean } = {}): JobResult<never> {
    const delayMs = validDelay(msOf(time));
    if (isSlowDown(options)) return new JobResult<never>({ kind: 'slowDown', delayMs });
    return new JobResult<never>({ kind: 'retry', again: { delayMs } });
  }

  /** Not now: runs again at `date` without spending the attempt (for at most `rescheduleForMs`). */
  static rescheduleAt(date: Date): JobResult<never> {
    return new JobResult<never>({ kind: 'reschedule', again: { at: validDate(date) } });
  }

  /**
   * Not now: runs again in this `time` (milliseconds, or a text such as `'30 s'`) without spending the attempt (for at most
   * `rescheduleForMs`). With `slowDown` as `retryIn`, however often.
   */
  static rescheduleIn(time: Duration, options: { slowDown?: boolean } = {}): JobResult<never> {
    const delayMs = validDelay(msOf(time));
    if (isSlowDown(options)) return new JobResult<never>({ kind: 'slowDown', delayMs });
    return new JobResult<never>({ kind: 'reschedule', again: { delayMs } });
  }

  /** No longer wanted: ends as `cancelled`. */
  static cancel(reason = 'cancelled by its handler'): JobResult<never> {
    return new JobResult<never>({ kind: 'cancel', reason: failureOf(reason).message });
  }

  /** This payload can never work: ends at once in the dead letter queue. */
  static unprocessable(reason: unknown): JobResult<never> {
    return new JobResult<never>({
      kind: 'unprocessable',
      error: reasonOf(reason, 'UnprocessableError'),
    });
  }

  /** The handler or its environment is broken, someone must look: ends at once in the dead letter queue. */
  static critical(reason: unknown): JobResult<never> {
    return new JobResult<never>({ kind: 'critical', error: reasonOf(reason, 'CriticalError') });
  }
}

knownAcrossCopies(JobResult, 'result');

function addedSteps(options: unknown): readonly AddedStep[] {
  const { then = [], ...others } = (options ?? {}) as { then?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(`unknown option ${quote(other)}, only then is one.`);
  if (!Array.isArray(then) || then.some((each) => !(each instanceof AddedStep)))
    throw invalid('then must be a list of what step(name, target, payload) makes.');
  return [...(then as AddedStep[])];
}

function isSlowDown(options: unknown): boolean {
  const { slowDown = false, ...others } = (options ?? {}) as { slowDown?: unknown };
  if (typeof slowDown !== 'boolean') throw invalid('slowDown must be true or false.');
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(`unknown option ${quote(other)}, only slowDown is one.`);
  return slowDown;
}

function reasonOf(reason: unknown, name: string): Failure {
  const failure = failureOf(reason);
  return isError(reason) ? failure : { name, message: failure.message };
}

function validDate(date: Date): Date {
  const time = types.isDate(date) ? date.getTime() : NaN;
  if (time <= LAST_DATE) return new Date(Math.max(0, time));
  throw invalid(
    'the date is not a valid Date up to the year 9999. Give a Date, or use the ...In(ms) form.',
  );
}

function validDelay(ms: number): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= 100 * MAX_DELAY_MS) return ms;
  throw invalid(
    `${quoteNumber(ms)} is not a delay. Give milliseconds, or a text such as "30 s", from 0 to 100 years.`,
  );
}

const invalid = (problem: string): QueueError =>
  new QueueError('INVALID_OPTION', `JobResult: ${problem}`);
