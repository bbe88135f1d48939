import type { Enqueued } from '../job/enqueue-options.js';
import type { Run } from './database.js';
import type { NewJob } from './enqueue.repository.js';
import { replaceAll } from './replacing.js';
import { keep, outcomeOf, type Answers, type Insert } from './storing.js';
import { throttleAll } from './throttling.js';

export const hasConflictMode = (job: NewJob): boolean => job.conflict !== undefined;

/**
 * What happens where a live job, or a period, has the key already: `replace`, `debounce` and `throttle`, built on `ignore`. In a transaction.
 * Several items of a call with one key are one for the database: the last one is stored, of throttled ones the first.
 */
export class ConflictRepository {
  async resolve(run: Run, jobs: NewJob[], insert: Insert): Promise<Enqueued[]> {
    const answers: Answers = new Map();
    const others = jobs.filter((job) => !hasConflictMode(job));
    if (others.length > 0) keep(answers, others, await insert(run, others));
    const groups = groupsOf(jobs.filter(hasConflictMode));
    const spokesmen = groups.map(spokesmanOf);
    const isThrottled = (job: NewJob): boolean => job.conflict === 'throttle';
    await replaceAll(
      { run, insert, answers },
      spokesmen.filter((job) => !isThrottled(job)),
    );
    await throttleAll({ run, insert, answers }, spokesmen.filter(isThrottled));
    for (const group of groups) spread(group, answers);
    return jobs.map((job) => answers.get(job)!);
  }
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

const spokesmanOf = (group: NewJob[]): NewJob => (group[0]!.conflict === 'throttle' ? group[0]! : group.at(-1)!);

/** One answer for all items of a key: where a job was created the first item created it, and the others changed it or came too late. */
function spread(group: NewJob[], answers: Answers): void {
  const { id, created, outcome } = answers.get(spokesmanOf(group))!;
  group.forEach((job, index) => {
    const later = created ? outcomeOf(job) : outcome;
    answers.set(job, index === 0 ? { id, created, outcome } : { id, created: false, outcome: later });
  });
}
