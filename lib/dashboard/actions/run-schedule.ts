import { anything, textOf, type Action } from '../action.js';
import { scheduleSeen } from '../seen.js';

/** Enqueues the job of a schedule now. */
export const runSchedule: Action = {
  permission: 'schedules',
  takes: { name: anything },
  required: ['name'],
  seen: scheduleSeen,
  run: ({ schedules }, said) => schedules.trigger(textOf(said, 'name')),
};
