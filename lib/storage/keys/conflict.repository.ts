import type { Enqueued } from '../../job/enqueue-options.js';
import type { Run } from '../connection/database.js';
import type { NewJob } from '../../job/new-job.js';
import { lockReplaced, replaceKnown } from './replacing.js';
import {
  hasConflictMode,
  isReplacing,
  isThrottled,
  outcomeOf,
  rounds,
  unanswered,
  type Answers,
  type Insert,
  type Storing,
} from '../enqueue/storing.js';
import { answerPeriods, keepOpeners } from './throttling.js';

/**
 * What happens where a live job, or a period, has the key already: `replace`, `debounce` and `throttle`, built on `ignore`. In a transaction.
 * Several items of a call with one key are one for the database: the last one is stored, of throttled ones the first.
 *
 * Whatever the modes, calls take what they hold in one order, so that two of them never deadlock: the locks of the keys to replace, then
 * all keys in the order of `insert`, then the periods, and the jobs to replace last.
 */
export class ConflictRepository {
  async resolve(run: Run, jobs: NewJob[], insert: Insert): Promise<Enqueued[]> {
    const storing: Storing = { run, insert, answers: new Map() };
    const groups = groupsOf(jobs.filter(hasConflictMode));
    const spokesmen = new Set(groups.map(spokesmanOf));
    const stored = jobs.filter((job) => !hasConflictMode(job) || spokesmen.has(job));
    let isLocked = await lockReplaced(run, stored);
    await answerPeriods(storing, stored.filter(isThrottled));
    await rounds(unanswered(storing.answers, stored), async (open) => {
      const known = await insertNew(storing, open);
      isLocked ||= await lockReplaced(run, known, true);
      await replaceKnown(storing, known);
      return unanswered(storing.answers, open);
    });
    for (const group of groups) spread(group, storing.answers);
    return jobs.map((job) => storing.answers.get(job)!);
  }
}

/** Jobs to replace whose key is taken come back. */
async function insertNew(storing: Storing, open: NewJob[]): Promise<NewJob[]> {
  const { run, insert, answers } = storing;
  const told = await insert(run, open);
  const inserted = new Map(open.map((job, index) => [job, told[index]!]));
  await keepOpeners(storing, inserted);
  for (const [job, answer] of inserted)
    if (!isThrottled(job) && (answer.created || !hasConflictMode(job))) answers.set(job, answer);
  return open.filter((job) => isReplacing(job) && !inserted.get(job)!.created);
}

/** Items with the same key, in the order of the array. */
function groupsOf(jobs: NewJob[]): NewJob[][] {
  const groups = new Map<string, NewJob[]>();
  for (const job of jobs) {
    const key = `${job.lane.queueId}\n${job.uniqueKey!}`;
    const group = groups.get(key);
    if (group) group.push(job);
    else groups.set(key, [job]);
  }
  return [...groups.values()];
}

const spokesmanOf = (group: NewJob[]): NewJob =>
  isThrottled(group[0]!) ? group[0]! : group.at(-1)!;

/** One answer for all items of a key: where a job was created the first item created it, and the others changed it or came too late. */
function spread(group: NewJob[], answers: Answers): void {
  const { id, created, outcome } = answers.get(spokesmanOf(group))!;
  group.forEach((job, index) => {
    const later = created ? outcomeOf(job) : outcome;
    answers.set(
      job,
      index === 0 ? { id, created, outcome } : { id, created: false, outcome: later },
    );
  });
}
