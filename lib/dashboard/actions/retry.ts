import type { Action } from '../action.js';
import { eachId, ids } from '../each-id.js';

/** Runs jobs again, or now rather than at their time. */
export const retry: Action = {
  permission: 'retry',
  takes: { ids },
  required: ['ids'],
  run: ({ admin }, said) => eachId(said.ids, (id) => admin.retry(id)),
};
