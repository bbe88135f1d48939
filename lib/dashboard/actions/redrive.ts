import { byFilter } from '../by-filter.js';

/** Runs ended jobs of a filter again. */
export const redrive = byFilter('redrive', (admin, filter, batches) =>
  admin.redrive(filter, batches),
);
