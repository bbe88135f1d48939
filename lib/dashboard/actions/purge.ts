import { byFilter } from '../by-filter.js';

/** Deletes jobs of a filter for good. */
export const purge = byFilter('purge', (admin, filter, batches) => admin.purge(filter, batches));
