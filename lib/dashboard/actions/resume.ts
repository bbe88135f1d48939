import { textOf, anything, type Action } from '../action.js';

/** Workers take jobs of the queue again. */
export const resume: Action = {
  permission: 'pause',
  takes: { queue: anything },
  required: ['queue'],
  run: ({ admin }, said) => admin.resume(textOf(said, 'queue')),
};
