import type { Action } from '../action.js';
import { bounded } from '../bounded.js';
import { BY_FILTER, filterOf, isDry } from '../by-filter.js';

/** Runs ended jobs of a filter again. */
export const redrive: Action = {
  permission: 'redrive',
  ...BY_FILTER,
  run: ({ admin }, said) =>
    bounded(isDry(said), (batches) => admin.redrive(filterOf(said), batches)),
};
