import type { LimitSummary } from '../admin/limits.js';
import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import type { Schedule } from '../job/schedule.js';
import { textOf, type Seen } from './action.js';
import { hashOfSchedule } from '../schedules/stored-spec.js';
import { digestOf } from './readable-job.js';
import type { Source } from './source.js';

/** @throws QueueError where something else is there now. */
export async function checkSeen(
  { now, code, words }: Seen,
  source: Source,
  said: Record<string, unknown>,
): Promise<void> {
  const found = await now(source, said);
  if (found !== undefined && found !== said.seen) throw other(code, words);
}

const other = (code: QueueErrorCode, words: string): QueueError =>
  new QueueError(code, `${words} meanwhile. Look again.`);

/**
 * `seen` has the end of each job by its id, '' where there was none. What is live again is no matter: to run it again does nothing more.
 * @throws QueueError `JOB_NOT_RUNNING`
 */
export async function endedAsSeen({ admin }: Source, id: string, seen: unknown): Promise<void> {
  const end = (seen as Record<string, unknown> | null | undefined)?.[id];
  const job = end === undefined ? undefined : await admin.job(id);
  if (job?.finishedAt && job.finishedAt.toISOString() !== end)
    throw other('JOB_NOT_RUNNING', `Job ${id} has ended as ${job.state}`);
}

/** Its payload is on the page of each job, behind `redact`. Ticks change none of what is seen. */
export const withDigest = (schedule: Schedule) => {
  const { owner, declared, createdAt, pausedAt } = schedule;
  const digest = digestOf([hashOfSchedule(schedule), owner, declared, createdAt, pausedAt]);
  return { ...schedule, payload: undefined, digest };
};

export const scheduleSeen: Seen = {
  now: async ({ schedules }, said) => {
    const found = await schedules.find(textOf(said, 'name'));
    return found && withDigest(found).digest;
  },
  code: 'TRANSACTION_CONFLICT',
  words: 'The schedule was changed, paused or resumed',
};

export const limitDigest = ({ concurrency, rate, setAt }: LimitSummary): string =>
  digestOf([concurrency, rate, setAt]);

/** '' where there was none. */
export const limitSeen: Seen = {
  now: async ({ admin }, { name, perKey, change }) => {
    const ofKeys = perKey === true || Object.hasOwn(Object(change) as object, 'perKey');
    const found = (await admin.limits()).find(
      (limit) => limit.name === name && (limit.perKey ?? false) === ofKeys,
    );
    return found ? limitDigest(found) : '';
  },
  code: 'TRANSACTION_CONFLICT',
  words: 'The limit was set or given back',
};
