import { statement } from '../connection/statement.js';
import { shortened } from '../places/ended.sql.js';
import { lockedGroups } from '../groups/group-locks.sql.js';
import { NEW_LIFE } from '../enqueue/new-life.sql.js';
import { KEYS_ASKED } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';
import { BEGUN, TURNED_OR_BLOCKED, UNBLOCKED } from '../places/turns.sql.js';

/** So many jobs of a schedule are asked at most whether they live: what a redrive of thousands adds is bounded. */
const MOST_KNOWN = 200;

/**
 * Makes ended jobs live again, those of them that still stand in one of the states $3. The row of the ended job is locked first and
 * decides between rivals; it goes only for what came in. `do nothing` leaves out a job whose unique key a live one holds: it comes back
 * with `revived` false. In the order of the keys, as batches of `enqueue` take them, so that they cannot deadlock.
 *
 * Attempts start again, and the epochs somewhere else: a run of the first life may still answer. What killed its process runs alone at first.
 *
 * A job of a fair queue is with its group. In an ordered group a dead job has its turn again. Any other job is last, as if it was enqueued now: under the group's
 * lock, and in a new group with the turn vacant while a dead job halts the queue.
 */
export const REVIVE = statement(
  'revive',
  `with dead as materialized (
    select * from simple_queue.dead_letter where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) for update),
  kept as materialized (
    select * from simple_queue.archive where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) for update),
  ended as materialized (
    select e.*, l.queue, e.options ? 'ordered' as ordered, nullif(e.options ? 'fair', false) as fair,
      case when e.options ?| array['ordered', 'fair'] then coalesce(e.options ->> 'group', '') else e.options ->> 'group' end as group_name,
      e.options ->> 'limitKey' as limit_key
    from (select * from dead union all select * from kept) e join simple_queue.lane l on l.id = e.lane),
  ${lockedGroups('select distinct queue, group_name from ended where ordered')},
  -- A dead job gets its old place back; what has no place any more stands last.
  placed as materialized (
    select e.*, coalesce(h.dead_seq, case when e.ordered then nextval('simple_queue.turn') end) as seq
    from (select ended.* from ended, (select count(*) from locked) l order by finished_at, id) e
    left join lateral (
      select dead_seq from simple_queue.head
      where group_name = e.group_name and shard = $1 and queue = e.queue and dead = e.id limit 1) h on e.ordered),
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, suspicion, created_at, run_at, unique_key, fingerprint, options,
      payload, payload_bytes, last_error, history, group_name, seq, fair, limit_key)
    select e.id, $1, ${NEW_LIFE}, e.lane, e.queue, e.priority,
      case when e.state = 'poisoned' and e.stalls > 0 then 3 else 0 end, e.created_at, statement_timestamp(), e.unique_key, e.fingerprint,
      e.options - 'rescheduledSince', e.payload, e.payload_bytes, e.last_error,
      ${shortened('e.history')}
        || jsonb_build_object('attempt', e.attempt, 'outcome', 'revived', 'at', statement_timestamp()), e.group_name, e.seq, e.fair, e.limit_key
    from placed e order by e.queue, e.unique_key collate "C" nulls first, e.id
    on conflict do nothing
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, seq, fair, limit_key),
  returned as (
    update simple_queue.head set ${UNBLOCKED}
    where shard = $1 and ctid = any(array(
      select h.ctid from stored s cross join lateral (
        select ctid from simple_queue.head
        where group_name = s.group_name and shard = $1 and queue = s.queue and dead = s.id limit 1 for update) h
      where s.seq is not null))
    returning group_name, queue),
  ${BEGUN},
  turned as materialized (
    select distinct on (s.group_name, s.queue) s.id from stored s
    join (select * from returned union all select group_name, queue from begun where not halted) b on b.group_name = s.group_name and b.queue = s.queue
    where s.seq is not null order by s.group_name, s.queue, s.seq),
  ${TURNED_OR_BLOCKED},
  undead as (
    delete from simple_queue.dead_letter where shard = $1 and id = any(array(select id from stored))),
  unkept as (
    delete from simple_queue.archive where shard = $1 and id = any(array(select id from stored))),
  ${placed('free', ['ready', 'fair_ready', 'suspect', 'keyed'])},
  ${KEYS_ASKED},
  -- Among the jobs that its schedule asks before the next tick.
  scheduled_again as (
    update simple_queue.schedule s set jobs = (s.jobs || array(
      select e.id from ended e join stored o on o.id = e.id where e.options -> 'schedule' ->> 'name' = s.name))[:${MOST_KNOWN}]
    where s.shard = $1 and s.ctid = any(array(
      select k.ctid from (select distinct e.options -> 'schedule' ->> 'name' as name from ended e where e.options ? 'schedule' order by 1) n
      cross join lateral (
        select ctid from simple_queue.schedule
        where name = n.name and shard = $1 and spec ->> 'overlap' <> 'allow' order by name limit 1 for update) k)))
  select e.id, e.lane, e.fair, e.limit_key is not null as keyed, e.unique_key as "uniqueKey", exists (select from stored s where s.id = e.id) as revived from ended e`,
);
