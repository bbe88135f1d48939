import { anything, textOf, type Action } from '../action.js';
import { asSeen } from '../seen.js';

/** Lets an ordered group go on without the job that blocks it. */
export const release: Action = {
  permission: 'release',
  takes: { queue: anything, group: anything, seen: anything },
  required: ['queue', 'group'],
  run: async ({ admin }, said) => {
    const [queue, group] = [textOf(said, 'queue'), textOf(said, 'group')];
    const blocked = said.seen === undefined ? [] : await admin.blockedGroups(queue);
    const by = blocked.find((each) => each.group === group)?.job;
    if (by) asSeen(said.seen, by, 'JOB_HELD', `Job ${by} has come to block it`);
    return { released: (await admin.releaseGroup(queue, group)) ?? null };
  },
};
