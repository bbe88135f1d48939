import { errorKeyOf } from '../job/values/error-key.js';
import { cleanText, type Failure } from '../job/failure.js';
import type { Again } from '../job/job-result.js';
import { afterFailure, CANCELLED, type Chances, type Outcome } from '../job/outcome.js';
import type { ReportedRun } from '../observability/run-reports.js';
import type { QueuePolicy } from '../options/queue-policy.js';
import type { Placed } from '../storage/wake-ups/wake-up.js';
import type { Burial, Return, RunKey, Success } from '../storage/settle/ended-run.js';

/** Ends the job, and not by success. */
type Ending = Extract<
  Outcome,
  { kind: 'cancelled' | 'failed' | 'critical' | 'unprocessable' | 'poisoned' | 'expired' }
>;
/** Puts the job back. */
export type Going = Extract<Outcome, { kind: 'retried' | 'rescheduled' | 'released' }>;

/** A run that is to be settled, a handler's or a remote worker's. */
export type EndedRun = RunKey &
  ReportedRun &
  Pick<Chances, 'backoff'> & {
    policy: QueuePolicy;
    isOrdered: boolean;
    isKeyed: boolean;
    hasOutcomes?: boolean;
  };

/** The same, and what has become of it. */
export interface Ended {
  run: EndedRun;
  outcome: Outcome;
}

const GOING: ReadonlySet<Outcome['kind']> = new Set([
  'retried',
  'rescheduled',
  'released',
] satisfies Going['kind'][]);

export const isGoing = (outcome: Outcome): outcome is Going => GOING.has(outcome.kind);
export const isEnding = (outcome: Outcome): outcome is Ending =>
  !isGoing(outcome) && outcome.kind !== 'succeeded';

/** How long until it runs again, roughly: the database's clock decides. */
export const delayOf = (again: Again): number =>
  'at' in again ? again.at.getTime() - Date.now() : again.delayMs;

/** Where a job that was put back is now, as far as somebody has to be woken for it. A released one may be a suspect. */
export function putBackOf(
  { laneId: lane, isFair: fair, isKeyed: keyed }: EndedRun & { laneId: number; isFair: boolean },
  { kind, again }: Going,
): Placed[] {
  const place = { lane, later: delayOf(again) > 0, fair, keyed };
  return kind === 'released' ? [place, { lane, later: true }] : [place];
}

/** What the database learns of a success; `output` is JSON text. */
export function completionOf(
  { id, epoch, runMs, policy }: EndedRun,
  output: string | undefined,
  added?: string,
): Success {
  return { id, epoch, runMs, keepMs: policy.archiveKeepMs, output, ...(added ? { added } : {}) };
}

/** What `put-back` is given. */
export function returnOf({ run, outcome }: Ended, worker: string): Return {
  const going = outcome as Going;
  const retried = going.kind === 'retried';
  const told = retried
    ? { error: going.error, entry: entryOf(run, worker, going.kind, going.error) }
    : {};
  const counts = {
    spent: retried ? 1 : 0,
    rescheduled: going.kind === 'rescheduled' ? 1 : 0,
    ran: going.kind !== 'released',
  } as const;
  return { id: run.id, epoch: run.epoch, change: { ...timeOf(going.again), ...counts, ...told } };
}

/** What `bury` is given. */
export function burialOf({ run, outcome }: Ended, worker: string): Burial {
  const ending = outcome as Ending;
  const { archiveKeepMs, deadLetterKeepMs, onDeadJob } = run.policy;
  const spent = ['cancelled', 'poisoned', 'expired'].includes(ending.kind) ? 0 : 1;
  const error =
    ending.kind === 'cancelled' ? { name: 'Cancelled', message: ending.reason } : ending.error;
  const entry = entryOf(run, worker, ending.kind, error);
  const verdict = {
    state: ending.kind,
    spent,
    runMs: run.runMs,
    archiveKeepMs,
    deadLetterKeepMs,
    onDeadJob,
    errorKey: ending.kind === 'cancelled' ? undefined : errorKeyOf(ending.error),
    error,
    entry,
  } as const;
  return { id: run.id, epoch: run.epoch, verdict };
}

/** What `bury` has returned: a job whose cancel was requested while it ran has ended as cancelled. */
export const buriedAs = (outcome: Outcome, state: string): Outcome =>
  state === outcome.kind ? outcome : CANCELLED;

/**
 * A handler that completed in its own transaction and returned: if the job is still there, that transaction rolled back and the
 * attempt has failed; if it is gone, it committed (then the settle finds no row).
 */
export function afterCompletion<Entry extends Ended & { run: { completed: boolean } }>(
  ended: Entry,
): Entry {
  const { run, outcome } = ended;
  if (outcome.kind !== 'succeeded' || !run.completed) return ended;
  const message =
    'The handler completed the job in its transaction and returned, but that transaction rolled back.';
  return {
    ...ended,
    outcome: afterFailure({ name: 'QueueError', code: 'COMPLETION_ROLLED_BACK', message }, run),
  };
}

/**
 * The outcome of a run without what PostgreSQL refused to store: first without signs that the database's encoding may lack (an attempt
 * that failed is retried all the same), then (`again`) without anything that the run said. What runs no more then: nobody knows when.
 */
export function plainOutcome(
  outcome: Outcome,
  { sqlState }: { sqlState?: string },
  again = false,
): Outcome {
  if (outcome.kind === 'succeeded' && !outcome.added)
    return { kind: 'succeeded', output: undefined };
  const message = `PostgreSQL refused to store how the run ended (SQLSTATE ${sqlState}).`;
  if (outcome.kind === 'cancelled') return { kind: 'cancelled', reason: message };
  // Without its steps it would be another success.
  if (outcome.kind === 'succeeded')
    return { kind: 'critical', error: { name: 'QueueError', code: 'DATABASE_ERROR', message } };
  if ('error' in outcome && !again) return { ...outcome, error: asciiOf(outcome.error) };
  const error: Failure = { name: 'QueueError', code: 'DATABASE_ERROR', message };
  return { kind: isGoing(outcome) ? 'failed' : outcome.kind, error };
}

/** As JSON, in which nothing but its texts can have other signs. */
const asciiOf = (error: Failure): Failure =>
  JSON.parse(JSON.stringify(error).replace(/[^\x20-\x7e]/gu, '?')) as Failure;

/** The end of a job whose row cannot be stored, whatever its run said. */
export function unreadable(
  { kind }: Outcome,
  sqlState: string,
): Extract<Ending, { error: Failure }> {
  const message = `The run ended as ${kind}, and PostgreSQL refused to store the job's row (SQLSTATE ${sqlState}): all but its payload was left out.`;
  return { kind: 'poisoned', error: { name: 'QueueError', code: 'DATABASE_ERROR', message } };
}

const timeOf = (again: Again): { at: string } | { delayMs: number } =>
  'at' in again ? { at: again.at.toISOString() } : again;

/** One line of the job's history; the whole error is beside it once. */
function entryOf(
  { attempt, runMs }: EndedRun,
  worker: string,
  outcome: string,
  { name, message }: Failure,
) {
  return { attempt, outcome, error: { name, message: cleanText(message, 500) }, worker, runMs };
}
