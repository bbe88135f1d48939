import { claimedColumns, claimedJobs, share } from '../claim/claimed-columns.sql.js';
import { changed } from '../places/keys.sql.js';
import { sameKey } from './same-key.sql.js';

/** An heir that the process which settles may run now. */
const FOLLOWS = `ahead is not null and lane = any($7::int[]) and suspicion = 0 and fair is null`;

/**
 * Members for who ends the jobs of `held` by success: their permits go to the most urgent jobs that wait for one of their keys, in the slots that
 * they have. Only where nothing but the count of a key decides, and none of its permits lies above the limit (it was lowered): then as many
 * run as before. Everything else, and what is locked or came meanwhile, is left to `hand_permits`, with a change.
 *
 * No slot is free at any moment, so nobody else can take one of these; the insert behind the delete meets its own dead row alone.
 */
export const HEIRS = `ending as materialized (
    select h.id, h.limit_key, h.queue, case when h.seq is null then h.ahead end as ahead, p.place, p.slot from held h
    cross join lateral (
      select ctid as place, slot from simple_queue.permit where id = h.id and shard = $1 limit 1 for update) p
    where h.limit_key is not null),
  rule as materialized (
    select q.queue, l.concurrency from (select distinct queue from ending) q
    cross join lateral (
      select concurrency from simple_queue.fleet_limit
      where name = (select name from simple_queue.queue where id = q.queue) || '/*' and shard = $1 and rate is null) l),
  spare as materialized (
    select e.limit_key, e.queue, max(r.concurrency) as concurrency, array_agg(e.id order by e.slot) as afters,
      array_agg(e.slot order by e.slot) as slots, array_agg(e.ahead order by e.slot) as aheads
    from ending e cross join lateral (select concurrency from rule where queue = e.queue offset 0) r
    where e.slot < r.concurrency group by e.limit_key, e.queue),
  waiting as materialized (
    select s.*, w.* from spare s cross join lateral (
      select ctid as place, id, lane, epoch, run_at from simple_queue.keyed
      where ${sameKey('s')} order by priority, run_at, id limit cardinality(s.slots) for update skip locked) w),
  heir as materialized (
    select n.*, afters[nth] as after, slots[nth] as slot, aheads[nth] as ahead from (
      select n.*, j.*, row_number() over (partition by n.limit_key, n.queue order by j.priority, n.run_at, n.id) as nth from waiting n
      ${claimedJobs(share('cardinality($2::uuid[])'), 'limit 1 for update skip locked', ', fair')}
      where j.own_lane is null and not exists (
        select from simple_queue.permit where ${sameKey('n')} and slot >= 0 and slot >= n.concurrency offset 0)) n)`;

/** Ids of those that this process claims, and of the others. */
export const HEIRS_CLAIMED = ` union all select id, epoch from heir where ${FOLLOWS}`;
export const HEIRS_MOVED = ` union all select id from heir where not (${FOLLOWS})`;

/** Members: jobs of `moved` that are no heirs wait for permits of their keys (`put`). */
export const HEIRS_PUT = `put as (
    select m.id, lane, queue, priority, run_at, epoch, suspicion, commit_by, group_name, fair,
      case when (m.id in (select id from heir)) is true then null else limit_key end as limit_key
    from moved m)`;

/** Members: permits change hands, and who hands on the others has to look. */
export const PERMITS_PASSED = `unkeyed as (
    delete from simple_queue.keyed where shard = $1 and ctid = any(array(select place from heir))),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(select place from ending)) returning id),
  permitted as (
    insert into simple_queue.permit (id, shard, limit_key, queue, slot)
    select id, $1, limit_key, queue, slot from heir where (select count(*) from unpermitted) is not null),
  freed as (
    select limit_key, queue from ending where (id in (select after from heir)) is not true),
  ${changed(['freed', 'keyed'])}`;

export const HEIRS_CAME = `
  union all
  select ${claimedColumns('n', 'n', 'greatest(n.run_at, statement_timestamp())')}, n.after, null from heir n where ${FOLLOWS}`;
