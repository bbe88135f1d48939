import { statement } from '../statement.js';

/**
 * Takes back jobs that this very transaction inserted and whose caller's id turned out to have ended already. The stretch of the
 * keys is given for the sake of callers' planners, as in `cancel`.
 */
export const TAKE_BACK = statement(
  'take_back',
  `with gone as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) returning id, lane, priority, run_at),
  unready as (
    delete from simple_queue.ready where shard = $1 and lane = any(array(select distinct lane from gone))
      and priority = any(array(select distinct priority from gone))
      and run_at between (select min(run_at) from gone) and (select max(run_at) from gone) and ctid = any(array(
      select p.ctid from gone g cross join lateral (
        select ctid from simple_queue.ready where lane = g.lane and shard = $1 and priority = g.priority and run_at = g.run_at
        and id = g.id for update) p))),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select min(run_at) from gone) and (select max(run_at) from gone) and ctid = any(array(
      select p.ctid from gone g cross join lateral (
        select ctid from simple_queue.scheduled where run_at = g.run_at and shard = $1 and id = g.id for update) p)))
  select id from gone`,
);
