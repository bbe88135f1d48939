/** What stands in claims: the job `u.id` of claim `c`, as far as it is at `u.epoch` still. */
export const IN_CLAIMS =
  'simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)';

/**
 * The job `j` of a run `u` (id, epoch) that still holds it: each by its key, whatever the planner believes of the table. `offset 0` reads it;
 * a lock decides between this and others.
 */
export const fenced = (
  columns: string,
  how: 'offset 0' | 'for update' | 'for update skip locked',
): string =>
  `cross join lateral (select ${columns} from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch ${how}) j`;

/**
 * Members of a `with`: all that is claimed, and these columns of the jobs that are held still, `most` of them, as `held`. For counts of
 * thousands: one walk along the index by sorted ids costs a fraction of a search per id. `is true` keeps the planner from joining by loops.
 */
export const heldAtOnce = (columns: string, most: string): string => `claimed as materialized (
    select u.id, u.epoch from ${IN_CLAIMS} where c.shard = $1),
  held as materialized (
    select ${columns} from simple_queue.job where shard = $1 and id = any(array(select id from claimed))
      and ((id, epoch) in (select id, epoch from claimed)) is true limit ${most})`;

/** The runs $2 at their epochs $3 that still hold their jobs, which are locked. */
export const LOCKED_RUNS = `select j.id from unnest($2::uuid[], $3::int[]) u(id, epoch)
      ${fenced('id', 'for update')}`;

/** The same of one run. */
export const LOCKED_RUN =
  'select id from simple_queue.job where id = $2::uuid and shard = $1 and epoch = $3::int for update';
