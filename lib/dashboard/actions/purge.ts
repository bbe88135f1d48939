import type { Action } from '../action.js';
import { bounded } from '../bounded.js';
import { BY_FILTER, filterOf, isDry } from '../by-filter.js';

/** Deletes jobs of a filter for good. */
export const purge: Action = {
  permission: 'purge',
  ...BY_FILTER,
  run: ({ admin }, said) => bounded(isDry(said), (batches) => admin.purge(filterOf(said), batches)),
};
