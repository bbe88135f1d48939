import { momentOf } from '../../runtime/moment.js';
import { yesOrNo } from '../../runtime/rules.js';
import { anything, textOf, type Action } from '../action.js';
import { isDry } from '../by-filter.js';
import { scheduleSeen } from '../seen.js';

/** Enqueues a job for each past time of a schedule that has none, or only says which those are. */
export const backfillSchedule: Action = {
  permission: 'schedules',
  takes: { name: anything, from: anything, to: anything, dryRun: yesOrNo },
  required: ['name', 'from', 'to'],
  seen: scheduleSeen,
  run: async ({ schedules }, said) => {
    const [from, to] = ['from', 'to'].map((part) => momentOf(textOf(said, part))) as [Date, Date];
    const dryRun = isDry(said);
    return { times: (await schedules.backfill(textOf(said, 'name'), { from, to, dryRun })).times };
  },
};
