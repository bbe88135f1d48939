import type { Enqueued, EnqueueOutcome } from '../../job/enqueue-options.js';
import { QueueError } from '../../job/queue.errors.js';
import type { Run } from '../connection/database.js';
import type { NewJob } from '../../job/new-job.js';

/** Stores jobs as `ignore` does, and returns one result per job, in their order. */
export type Insert = (run: Run, jobs: NewJob[]) => Promise<Enqueued[]>;

export type Answers = Map<NewJob, Enqueued>;

/** One call on its way: where it runs, how new jobs come in, and what is known of each. */
export interface Storing {
  run: Run;
  insert: Insert;
  answers: Answers;
}

/** A job may start, end or be put back between two looks, again and again in theory. */
const MAX_ROUNDS = 5;

/** Looks again at the jobs that `round` leaves open. */
export async function rounds(
  jobs: NewJob[],
  round: (open: NewJob[]) => Promise<NewJob[]>,
): Promise<void> {
  let open = jobs;
  for (let n = 0; open.length > 0; n++) {
    if (n === MAX_ROUNDS) throw restless();
    open = await round(open);
  }
}

export const unanswered = (answers: Answers, jobs: NewJob[]): NewJob[] =>
  jobs.filter((job) => !answers.has(job));

export const hasConflictMode = (job: NewJob): boolean => job.conflict !== undefined;
export const isWaiting = (job: NewJob): boolean => job.dependsOn !== undefined;
/** Loaded with the first job that waits for others. */
export const dependenciesOf = async (jobs: NewJob[]) =>
  jobs.some(isWaiting) ? import('../staged/dependencies.js') : undefined;
export const isThrottled = (job: NewJob): boolean => job.conflict === 'throttle';
export const isReplacing = (job: NewJob): boolean =>
  job.conflict !== undefined && !isThrottled(job);

const OUTCOMES = { replace: 'replaced', debounce: 'postponed', throttle: 'throttled' } as const;

/** What a job's mode makes of it where its key is known. */
export const outcomeOf = (job: NewJob): EnqueueOutcome => OUTCOMES[job.conflict!];

export const created = (job: NewJob): Enqueued => ({
  id: job.id,
  created: true,
  outcome: 'created',
});
export const existing = (id: string): Enqueued => ({ id, created: false, outcome: 'existing' });

export const idOf = ({ id }: { id: string }): string => id;
export const keyOf = (job: NewJob): string => job.uniqueKey!;
export const queueOf = (job: NewJob): number => job.lane.queueId;

/** Two batches that take the same keys (or callers' ids) take them in the same order: unsorted ones deadlock. */
export function byKey(a: NewJob, b: NewJob): number {
  return (
    a.lane.queueId - b.lane.queueId ||
    byText(a.uniqueKey ?? '', b.uniqueKey ?? '') ||
    byText(a.id, b.id)
  );
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function restless(): QueueError {
  const message = `The job of a unique key moved ${MAX_ROUNDS} times while it was being enqueued. Enqueue it again.`;
  return new QueueError('TRANSACTION_CONFLICT', message);
}
