import { anything, textOf, type Action } from '../action.js';

/** What processes declare holds again. */
export const resetLimit: Action = {
  permission: 'limits',
  takes: { name: anything },
  required: ['name'],
  run: ({ admin }, said) => admin.resetLimit(textOf(said, 'name')),
};
