import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import type { Storage } from '../../lib/storage/storage.js';

/** Live jobs that do not stand in exactly one place, at their epoch: always none. */
export const checkPlaces = ({ database }: Pick<Storage, 'database'>): Promise<object[]> =>
  database.loops.run<object>(CHECK_PLACES, []);
