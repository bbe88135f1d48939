import { anything, type Action } from '../action.js';
import { eachId, ids } from '../each-id.js';
import { endedAsSeen } from '../seen.js';

/** Runs jobs again, or now rather than at their time. */
export const retry: Action = {
  permission: 'retry',
  takes: { ids, seen: anything },
  required: ['ids'],
  run: (source, said) =>
    eachId(said.ids, (id) =>
      source.alone(id, async () => {
        await endedAsSeen(source, id, said.seen);
        return source.admin.retry(id);
      }),
    ),
};
