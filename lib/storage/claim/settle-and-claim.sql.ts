import { statement } from '../connection/statement.js';
import { CLAIMED_COLUMNS, claimedJobs, LOST_COLUMNS, share } from './claimed-columns.sql.js';

/** Deletes what has finished: $2 are first runs (epoch 0), $3 and $4 later ones. */
const finished = (columns: string): string => `first as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) and epoch = 0 returning ${columns}),
  again as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select j.id from unnest($3::uuid[], $4::int[]) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning ${columns}),
  done as (select id from first union all select id from again)`;

/** Ends claims and takes the next ready jobs; its parameters begin behind $`base`. */
const claim = (base: number): string => {
  const [ended, lane, wanted, lo, hi, priority, runAt, id, upto, limit, claimId, lease, bytes] =
    Array.from({ length: 13 }, (_, index) => `$${base + 1 + index}`);
  return `ended as (
    delete from simple_queue.claim where shard = $1 and id = any(${ended}::uuid[])),
  next as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(
      select s.ctid from unnest(${lane}::int[], ${wanted}::int[], ${lo}::int[], ${hi}::int[]) q(lane, wanted, lo, hi)
      cross join lateral (
        select r.ctid from unnest((${priority}::smallint[])[q.lo:q.hi], (${runAt}::timestamptz[])[q.lo:q.hi], (${id}::uuid[])[q.lo:q.hi],
                                  (${upto}::smallint[])[q.lo:q.hi]) h(priority, run_at, id, upto)
        cross join lateral (
          select ctid from simple_queue.ready
          where lane = q.lane and shard = $1 and (priority, run_at, id) > (h.priority, h.run_at, h.id) and priority <= h.upto
          order by priority, run_at, id limit q.wanted for update skip locked) r
        limit q.wanted) s
      limit ${limit}::int))
    returning id, lane, priority, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select ${claimId}::uuid, $1, ${lease}::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select ${CLAIMED_COLUMNS}
    from (select * from next order by priority, run_at, id) n
    ${claimedJobs(share(limit!, bytes))}`;
};

const LOST = `union all
  select ${LOST_COLUMNS} from unnest($2::uuid[] || $3::uuid[]) u(id)
    where (select count(*) from done) < cardinality($2::uuid[]) + cardinality($3::uuid[])
      and not exists (select from done d where d.id = u.id)`;

/** A claim that settles nothing: of an idle worker, whose next job should not wait for a larger plan to be set up. */
export const CLAIM = statement('claim', `with ${claim(1)}`);

/**
 * The hot statement: one round trip and one commit settle what has finished and claim what may run next, for all lanes.
 *
 * - Fence: a job is deleted only at the epoch of its run. What was reaped meanwhile matches no row; such ids come back as rows
 *   with lane -1.
 * - Plans: tables are reached by primary key through `= any(...)` or lateral only. Nothing joins `job` in a DELETE: a planner
 *   that believes the table small would walk it whole (4.7 s a claim at 1,000,000 rows was measured elsewhere).
 * - Claim: per lane, ranges of (priority, run_at, id) behind the worker's cursors, most urgent first. LIMIT stops the locking
 *   of rows that are not taken; SKIP LOCKED passes those that rivals take. Ready rows are never updated, so a ctid holds.
 * - The places are sorted before their jobs are read: narrow rows, and mostly in order already.
 */
export const SETTLE_AND_CLAIM = statement(
  'settle_and_claim',
  `with ${finished('id')}, ${claim(4)} ${LOST}`,
);

const KEPT = `id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload,
      payload_bytes, history, progress`;

/** The same where some of what has finished ($19 to $22) goes to the archive: a form of its own, or those who keep nothing would pay for it. */
export const SETTLE_KEEP_AND_CLAIM = statement(
  'settle_keep_and_claim',
  `with ${finished(KEPT)},
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at,
      finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select d.id, $1, 'succeeded', d.lane, d.priority, d.attempt + 1, d.stalls, d.reschedules, k.run_ms, d.created_at, d.run_at,
      statement_timestamp(), statement_timestamp() + k.keep_ms * interval '1 millisecond', $18, d.unique_key, d.fingerprint,
      d.options, d.payload, d.payload_bytes, k.output::jsonb, d.history, d.progress
    from unnest($19::uuid[], $20::int[], $21::float8[], $22::text[]) k(id, run_ms, keep_ms, output)
    join (select * from first union all select * from again) d on d.id = k.id),
  ${claim(4)} ${LOST}`,
);
