import { repeatsJob, type WaitingPlace } from '../places/places.sql.js';

/** What deletes the rows of a place that no live job has, by hand: an operator may run it again and again. */
export const deleteStrays = (place: string, schema: string): string =>
  `delete from ${schema}.${place} p where not exists (select from ${schema}.job j where ${repeatsJob(place as WaitingPlace)})`;
