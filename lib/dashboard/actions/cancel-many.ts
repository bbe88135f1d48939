import { byFilter } from '../by-filter.js';

/** Ends live jobs of a filter. */
export const cancelMany = byFilter('cancel', (admin, filter, batches) =>
  admin.cancel(filter, batches),
);
