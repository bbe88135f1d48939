import { LIES, WEIGHT } from './claimed-columns.sql.js';

const MIB = 1_048_576;

/**
 * Of the rows of `source` (in order; with the columns of a job that may be large) those that weigh 1 MiB together, and the first one
 * whatever it weighs. Only what may fit by its size as it lies is read for that, and read once: `read` are the columns, as they are returned.
 */
export const thatFit = (
  columns: string,
  source: string,
  read = '*',
): string => `select ${columns} from (
    select *, row_number() over () as place, sum(${WEIGHT}) over (rows unbounded preceding) as bytes from (
      select ${read} from (
        select *, sum(${LIES}) over (rows between unbounded preceding and 1 preceding) as before from (${source}) s) l
      where before is null or before < ${MIB} offset 0) t) w
  where place = 1 or bytes <= ${MIB}`;

/** The ctids of those places (`picked` returns ctid and id) whose jobs fit, in their order; also those of no job, which would be in front for ever. */
export const placesThatFit = (picked: string): string =>
  thatFit(
    'ctid',
    `select p.ctid, j.* from (${picked}) p left join lateral (
      select payload, payload_bytes, options, last_error from simple_queue.job where id = p.id and shard = $1 offset 0) j on true`,
  );
