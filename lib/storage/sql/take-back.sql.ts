import { statement } from '../statement.js';
import { vacated } from './turns.sql.js';

/**
 * Takes back jobs that this very transaction inserted and whose key turned out to have let in another for now. The stretch of the
 * keys is given for the sake of callers' planners, as in `cancel`.
 */
export const TAKE_BACK = statement(
  'take_back',
  `with gone as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) 
    returning id, lane, priority, run_at, group_name, queue, seq, fair),
  unready as (
    delete from simple_queue.ready where shard = $1 and lane = any(array(select distinct lane from gone))
      and priority = any(array(select distinct priority from gone))
      and run_at between (select min(run_at) from gone) and (select max(run_at) from gone) and ctid = any(array(
      select p.ctid from gone g cross join lateral (
        select ctid from simple_queue.ready where lane = g.lane and shard = $1 and priority = g.priority and run_at = g.run_at
        and id = g.id for update) p))),
  unfair as (
    delete from simple_queue.fair_ready where shard = $1 and lane = any(array(select distinct lane from gone where fair))
      and group_name = any(array(select distinct group_name from gone where fair)) and ctid = any(array(
      select p.ctid from gone g cross join lateral (
        select ctid from simple_queue.fair_ready where lane = g.lane and shard = $1 and group_name = g.group_name
        and priority = g.priority and run_at = g.run_at and id = g.id for update) p where g.fair))),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select min(run_at) from gone) and (select max(run_at) from gone) and ctid = any(array(
      select p.ctid from gone g cross join lateral (
        select ctid from simple_queue.scheduled where run_at = g.run_at and shard = $1 and id = g.id for update) p))),
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(select id from gone))),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and group_name = any(array(select distinct group_name from gone))
      and queue = any(array(select distinct queue from gone))
      and seq between (select min(seq) from gone) and (select max(seq) from gone) and ctid = any(array(
      select p.ctid from gone g cross join lateral (
        select ctid from simple_queue.blocked where group_name = g.group_name and shard = $1 and queue = g.queue and seq = g.seq
        for update) p)) returning id),
  ${vacated('gone where seq is not null and id not in (select id from unblocked)')}
  select id from gone`,
);
