import { textOf, anything, type Action } from '../action.js';

/** No worker takes jobs of the queue any more. */
export const pause: Action = {
  permission: 'pause',
  takes: { queue: anything },
  required: ['queue'],
  run: ({ admin }, said) => admin.pause(textOf(said, 'queue')),
};
