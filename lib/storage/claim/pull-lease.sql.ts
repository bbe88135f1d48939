import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';

/**
 * Does this pulled lease hold this job, and at which epoch? Locks the lease to the end of the transaction: two settles of one lease
 * follow each other, and it does not lapse under them.
 */
export const HELD_BY_LEASE = statement(
  'held_by_lease',
  `select l.worker, $3::uuid = any(l.jobs) as holds, h.epoch, h.attempt, h.reschedules, h.options, h.lane,
    least(extract(epoch from statement_timestamp() - l.created_at) * 1000, 2147483647)::int as "runMs"
  from simple_queue.lease l left join lateral (
    select u.epoch, j.attempt, j.reschedules, j.options, j.lane
    from ${IN_CLAIMS}
    ${fenced('*', 'offset 0')}
    where c.id = l.id and c.shard = $1 and u.id = $3::uuid) h on true
  where l.id = $2::uuid and l.shard = $1 and l.jobs is not null for update of l`,
);

/** A job of a pulled lease is settled; with its last one lease and claim go. After `held_by_lease`, which has locked the lease. */
export const CLOSE_PULLED = statement(
  'close_pulled',
  `with ended as (
    delete from simple_queue.lease where id = $2::uuid and shard = $1 and jobs <@ array[$3::uuid] returning id),
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(select id from ended)))
  update simple_queue.lease set jobs = array_remove(jobs, $3::uuid)
  where id = $2::uuid and shard = $1 and not exists (select from ended)`,
);

/** Renews a pulled lease, and returns which of its jobs were asked to stop and which it holds no longer. No row: there is no such lease, or its time is over. */
export const RENEW_PULLED = statement(
  'renew_pulled',
  `with renewed as (
    update simple_queue.lease set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond'
    where id = $2::uuid and shard = $1 and jobs is not null and expires_at > statement_timestamp() returning id, jobs),
  held as materialized (
    select u.id, j.cancelled from renewed r cross join lateral (
      select jobs, epochs from simple_queue.claim where id = r.id and shard = $1 offset 0) c
    cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    ${fenced('cancel_at is not null as cancelled', 'offset 0')})
  select array(select id::text from held where cancelled) as cancelled,
    array(select u.id::text from unnest(r.jobs) u(id) where not exists (select from held h where h.id = u.id)) as lost
  from renewed r`,
);

/** What a lapsed pulled lease held: remembered for a day, or there still where nobody has reaped it. */
export const FIND_LAPSED = statement(
  'find_lapsed',
  `select jobs::text[] as jobs from simple_queue.lapsed where id = $2::uuid and shard = $1
  union all select jobs::text[] from simple_queue.lease where id = $2::uuid and shard = $1 and jobs is not null`,
);
