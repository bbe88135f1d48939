import type { NewJob } from '../../job/new-job.js';
import { isLimited } from './pending.repository.js';

/** For the transaction that holds a key, an id, a limit or a group. */
export const mayWait = (job: NewJob): boolean =>
  job.uniqueKey !== undefined || job.givenId || job.ordered === true || isLimited(job);

/** What these jobs may wait for, as calls know it from each other. The lock of a limit is taken first, and kept while others are waited for. */
export function namesOf(jobs: NewJob[]): string[] {
  return [...new Set(jobs.filter(mayWait).flatMap(namesOfOne))];
}

function namesOfOne(job: NewJob): string[] {
  const { queueId } = job.lane;
  if (isLimited(job)) return [`limit ${queueId}`];
  const key = job.uniqueKey === undefined ? [] : [`key ${queueId} ${job.uniqueKey}`];
  const id = job.givenId ? [`id ${job.id}`] : [];
  return [...key, ...id, ...(job.ordered ? [`group ${queueId} ${job.group}`] : [])];
}
