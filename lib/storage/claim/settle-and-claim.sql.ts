import { statement } from '../connection/statement.js';
import {
  CLAIMED_COLUMNS,
  claimedColumns,
  claimedJobs,
  LOST_COLUMNS,
  share,
} from './claimed-columns.sql.js';

/** Deletes what has finished: $2 are first runs (epoch 0), $3 and $4 later ones. */
const finished = (columns: string): string => `first as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) and epoch = 0 returning ${columns}),
  again as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select j.id from unnest($3::uuid[], $4::int[]) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning ${columns}),
  done as (select id from first union all select id from again)`;

const PARAMETERS = 12;
const parameters = (base: number): string[] =>
  Array.from({ length: PARAMETERS }, (_, index) => `$${base + 1 + index}`);

/** Ends claims and takes the next ready jobs; its parameters begin behind $`base`. */
const next = (base: number): string => {
  const [ended, lane, wanted, lo, hi, priority, runAt, id, upto, limit] = parameters(base);
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
    returning id, lane, priority, run_at, epoch)`;
};

/** What was taken (`from`) is a claim, and `epoch` that of its runs. */
const taken = (base: number, from = 'next', epoch = 'epoch'): string => {
  const [claimId, lease] = parameters(base).slice(-2);
  return `taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select ${claimId}::uuid, $1, ${lease}::uuid, array_agg(id), array_agg(${epoch}) from ${from} having count(*) > 0)`;
};

const jobsOf = (base: number): string => claimedJobs(share(parameters(base).at(-3)!));

const claim = (base: number): string => `${next(base)},
  ${taken(base)}
  select ${CLAIMED_COLUMNS}
    from (select * from next order by priority, run_at, id) n
    ${jobsOf(base)}`;

const LOST = `union all
  select ${LOST_COLUMNS} from unnest($2::uuid[] || $3::uuid[]) u(id)
    where (select count(*) from done) < cardinality($2::uuid[]) + cardinality($3::uuid[])
      and not exists (select from done d where d.id = u.id)`;

/** A claim that settles nothing: a plan of its own, since a larger one takes longer to be set up. */
export const CLAIM = statement('claim', `with ${claim(1)}`);

/**
 * The same for lanes that had nothing, whose next job somebody may wait for: it does not wait for the disk. A crash of the server may
 * undo it within moments, and the job is ready again beside its run. So the claim raises the epoch by $14, which the next one will
 * hardly draw again: no write of the first run matches (docs/adr/0051). Where a job is locked, or its epoch is so large that the numbers might
 * end, the claim waits for the disk as others do.
 */
export const CLAIM_SOON = statement(
  'claim_soon',
  `with ${next(1)},
  raised as (
    update simple_queue.job set epoch = epoch + $14::int where shard = $1 and id = any(array(
      select j.id from next n cross join lateral (
        select id from simple_queue.job
        where id = n.id and shard = $1 and epoch = n.epoch and epoch < 1000000000 and lane = n.lane and run_at = n.run_at
        limit 1 for update skip locked) j))
    returning id, lane, priority, run_at, epoch),
  held as materialized (
    select id, lane, priority, run_at, epoch - $14::int as epoch, epoch as own_epoch from raised
    union all select id, lane, priority, run_at, epoch, epoch from next n
      where (select count(*) from raised) < (select count(*) from next) and not exists (select from raised r where r.id = n.id)),
  ${taken(1, 'held', 'own_epoch')}
  select ${claimedColumns('n', 'j', 'n.run_at', 'n.own_epoch')}
    from (select * from held order by priority, run_at, id) n
    ${jobsOf(1)}
    cross join (select case when not exists (select from held where own_epoch = epoch)
      then set_config('synchronous_commit', 'off', true) end as commits offset 0) c
    where c.commits is distinct from ''`,
);

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

/** The same where some of what has finished ($18 to $21) goes to the archive: a form of its own, or those who keep nothing would pay for it. */
export const SETTLE_KEEP_AND_CLAIM = statement(
  'settle_keep_and_claim',
  `with ${finished(KEPT)},
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at,
      finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select d.id, $1, 'succeeded', d.lane, d.priority, d.attempt + 1, d.stalls, d.reschedules, k.run_ms, d.created_at, d.run_at,
      statement_timestamp(), statement_timestamp() + k.keep_ms * interval '1 millisecond', $17, d.unique_key, d.fingerprint,
      d.options, d.payload, d.payload_bytes, k.output::jsonb, d.history, d.progress
    from unnest($18::uuid[], $19::int[], $20::float8[], $21::text[]) k(id, run_ms, keep_ms, output)
    join (select * from first union all select * from again) d on d.id = k.id),
  ${claim(4)} ${LOST}`,
);
