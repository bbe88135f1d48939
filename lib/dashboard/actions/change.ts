import { QueueError } from '../../job/queue.errors.js';
import { anything, textOf, type Action } from '../action.js';
import { digestOf } from '../readable-job.js';
import { asSeen } from '../seen.js';

/** Gives a waiting job another payload, priority or time, and a failed one another payload. */
export const change: Action = {
  permission: 'change',
  takes: { id: anything, payload: anything, priority: anything, runAt: anything, seen: anything },
  required: ['id'],
  run: async ({ admin }, said) => {
    const { id, runAt, seen, ...changes } = said;
    const time = runAt === undefined ? {} : { runAt: new Date(textOf({ runAt }, 'runAt')) };
    const job = seen === undefined ? undefined : await admin.job(textOf({ id }, 'id'));
    if (job) asSeen(seen, digestOf(job.payload), 'JOB_HELD', 'Its payload was changed');
    const answer = await admin.change(textOf({ id }, 'id'), { ...changes, ...time });
    if (answer.changed) return answer;
    throw new QueueError(
      answer.state === undefined ? 'JOB_UNKNOWN' : 'JOB_HELD',
      `Job ${answer.id} was not changed: it is ${answer.state ?? 'not known'}, and only what waits or has failed can be changed.`,
    );
  },
};
