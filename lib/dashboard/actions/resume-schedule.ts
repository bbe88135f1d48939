import { anything, textOf, type Action } from '../action.js';

/** A schedule goes on with its next time. */
export const resumeSchedule: Action = {
  permission: 'schedules',
  takes: { name: anything },
  required: ['name'],
  run: ({ schedules }, said) => schedules.resume(textOf(said, 'name')),
};
