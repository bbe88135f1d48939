import type { Outcome } from '../job/outcome.js';
import type { Success } from '../storage/settle/ended-run.js';
import type { JobRun } from '../run/job-run.js';

/** A run on its way to the database, and what has become of it. */
export interface Settling {
  run: JobRun;
  outcome: Outcome;
  /** Of a success, as it is reported: where its text was made already. */
  success?: Success | undefined;
  /** What could not be stored of the outcome was left out already. */
  plain?: 1 | 2;
  /** Somebody held the job locked when it was last looked at. */
  locked?: boolean;
}

/** Of outputs and errors in one statement; one alone may be larger. */
const MAX_CHARACTERS = 512 * 1_024;

/** In order, at most `most`, as far as they fit into a statement: what is small passes by what is large. Makes the text of successes. */
export function thatFit(
  waiting: Settling[],
  most: number,
  successOf: (entry: Settling) => Success,
) {
  const fitting: Settling[] = [];
  const left: Settling[] = [];
  let characters = 0;
  for (const entry of waiting) {
    if (entry.outcome.kind === 'succeeded' && !entry.run.completed)
      entry.success ??= successOf(entry);
    const size = sizeOf(entry);
    const fits =
      fitting.length === 0 || (fitting.length < most && characters + size <= MAX_CHARACTERS);
    (fits ? fitting : left).push(entry);
    if (fits) characters += size;
  }
  return { fitting, left };
}

/** Roughly: an error goes to the row, and shortened to its history. */
function sizeOf({ outcome, success }: Settling): number {
  if (success) return (success.output?.length ?? 0) + (success.added?.length ?? 0);
  if (!('error' in outcome)) return 0;
  const { message, stack = '' } = outcome.error;
  return 2 * message.length + stack.length;
}

/**
 * One run of a job: a process that lost a job may run it again, and both runs may end at once. Statements take and return ids, so
 * the others leave with a later one. First runs (epoch 0) cannot meet, and most batches hold nothing else.
 */
export function oneRunAJob(settling: Settling[]): { latest: Settling[]; stale: Settling[] } {
  if (!settling.some(({ run }) => run.epoch > 0)) return { latest: settling, stale: [] };
  const epochs = new Map<string, number>();
  for (const { run } of settling) epochs.set(run.id, Math.max(run.epoch, epochs.get(run.id) ?? 0));
  const isLatest = ({ run }: Settling): boolean => epochs.get(run.id) === run.epoch;
  if (epochs.size === settling.length) return { latest: settling, stale: [] };
  return { latest: settling.filter(isLatest), stale: settling.filter((entry) => !isLatest(entry)) };
}
