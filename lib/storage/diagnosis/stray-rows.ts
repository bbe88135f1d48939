import { inQuotes } from '../../job/names.js';
import { repeatsJob, type WaitingPlace } from '../places/places.sql.js';

/** What puts the row of a lane back, where somebody knows the name of its jobs. */
export const putLaneBack = (
  { lane, queue }: { lane: number; queue: number | null },
  schema: string,
): string =>
  `insert into ${inQuotes(schema)}.lane (id, queue, name) values (${lane}, ${queue ?? '<queue>'}, '')`;

/** What deletes the rows of a place that no live job has, by hand: an operator may run it again and again. */
export const deleteStrays = (place: string, schema: string): string =>
  `delete from ${inQuotes(schema)}.${place} p where not exists (select from ${inQuotes(schema)}.job j where ${repeatsJob(place as WaitingPlace)})`;
