import { QueueError } from '../../job/queue.errors.js';
import { JsonText } from '../../job/values/json-text.js';
import { payloadOf } from '../../storage/reading/find.repository.js';
import { momentOf } from '../../runtime/moment.js';
import { anything, textOf, type Action } from '../action.js';
import { digestOf } from '../readable-job.js';

/** Gives a waiting job another payload, priority or time, and a failed one another payload. */
export const change: Action = {
  permission: 'change',
  // The payload as text alone: read as JSON, its large numbers would be others.
  takes: { id: anything, priority: anything, runAt: anything, payloadText: anything },
  required: ['id'],
  seen: {
    now: async ({ admin }, said) => {
      const job = await admin.job(textOf(said, 'id'));
      return job && digestOf(payloadOf(job));
    },
    code: 'JOB_HELD',
    words: 'Its payload was changed',
  },
  run: async ({ admin }, said) => {
    const { id, runAt, payloadText: text, ...changes } = said;
    const time = runAt === undefined ? {} : { runAt: momentOf(textOf({ runAt }, 'runAt')) };
    if (text !== undefined) changes.payload = new JsonText(textOf(said, 'payloadText'));
    const answer = await admin.change(textOf({ id }, 'id'), { ...changes, ...time });
    if (answer.changed) return answer;
    throw new QueueError(
      answer.state === undefined ? 'JOB_UNKNOWN' : 'JOB_HELD',
      `Job ${answer.id} was not changed: it is ${answer.state ?? 'not known'}, and only what waits or has failed can be changed.`,
    );
  },
};
