import { anything, textOf, type Action } from '../action.js';

/** Lets an ordered group go on without the job that blocks it. */
export const release: Action = {
  permission: 'release',
  takes: { queue: anything, group: anything },
  required: ['queue', 'group'],
  seen: {
    now: async ({ admin }, said) =>
      (await admin.blockedGroups(textOf(said, 'queue'))).find(({ group }) => group === said.group)
        ?.job,
    code: 'JOB_HELD',
    words: 'Another job has come to block it',
  },
  run: async ({ admin }, said) => {
    const [queue, group] = [textOf(said, 'queue'), textOf(said, 'group')];
    return { released: (await admin.releaseGroup(queue, group)) ?? null };
  },
};
