import { QueueError } from '../../job/queue.errors.js';
import { anything, textOf, type Action } from '../action.js';
import { limitSeen } from '../seen.js';

/** Sets a limit of a queue, or a named one. */
export const setLimit: Action = {
  permission: 'limits',
  takes: { name: anything, change: anything },
  required: ['name', 'change'],
  seen: limitSeen,
  run: ({ admin }, said) => {
    const { change } = said;
    if (typeof change !== 'object' || change === null || Object.keys(change).length === 0)
      throw new QueueError('INVALID_OPTION', 'change must say what is changed.');
    return admin.setLimit(textOf(said, 'name'), change);
  },
};
