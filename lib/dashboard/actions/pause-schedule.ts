import { anything, textOf, type Action } from '../action.js';
import { scheduleSeen } from '../seen.js';

/** No job comes of a schedule until it is resumed. */
export const pauseSchedule: Action = {
  permission: 'schedules',
  takes: { name: anything },
  required: ['name'],
  seen: scheduleSeen,
  run: ({ schedules }, said) => schedules.pause(textOf(said, 'name')),
};
