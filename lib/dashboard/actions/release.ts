import { anything, textOf, type Action } from '../action.js';

/** Lets an ordered group go on without the job that blocks it. */
export const release: Action = {
  permission: 'release',
  takes: { queue: anything, group: anything },
  required: ['queue', 'group'],
  run: async ({ admin }, said) => ({
    released: (await admin.releaseGroup(textOf(said, 'queue'), textOf(said, 'group'))) ?? null,
  }),
};
