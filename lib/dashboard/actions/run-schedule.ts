import { anything, textOf, type Action } from '../action.js';

/** Enqueues the job of a schedule now. */
export const runSchedule: Action = {
  permission: 'schedules',
  takes: { name: anything },
  required: ['name'],
  run: ({ schedules }, said) => schedules.trigger(textOf(said, 'name')),
};
