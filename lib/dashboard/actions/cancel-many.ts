import type { Action } from '../action.js';
import { bounded } from '../bounded.js';
import { BY_FILTER, filterOf, isDry } from '../by-filter.js';

/** Ends live jobs of a filter. */
export const cancelMany: Action = {
  permission: 'cancel',
  ...BY_FILTER,
  run: ({ admin }, said) =>
    bounded(isDry(said), (batches) => admin.cancel(filterOf(said), batches)),
};
