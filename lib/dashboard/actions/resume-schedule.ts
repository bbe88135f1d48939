import { anything, textOf, type Action } from '../action.js';
import { scheduleSeen } from '../seen.js';

/** A schedule goes on with its next time. */
export const resumeSchedule: Action = {
  permission: 'schedules',
  takes: { name: anything },
  required: ['name'],
  seen: scheduleSeen,
  run: ({ schedules }, said) => schedules.resume(textOf(said, 'name')),
};
