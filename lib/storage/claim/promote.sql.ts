import { statement } from '../connection/statement.js';
import { KEYS_ASKED } from '../places/keys.sql.js';
import { msOf } from '../schedules/schedule-columns.sql.js';
import { placed } from '../places/places.sql.js';
import { isHalted, vacantQueues } from '../groups/vacant-queues.sql.js';

/**
 * Moves at most 1,000 due jobs to where they may run, and returns what the next round needs: when the next one is due, which
 * lanes have news, whether there are other lanes than before (the sum of the newest numbers, which are random: also one that was registered long before
 * its commit, or a table that was emptied, makes it another), which of this worker's lanes ($3) have jobs of fair queues, whether suspects wait in them that run apart, or alone, which queues are paused (the
 * registry is small, and a claim shall not ask), which tell their ends to others, the sum of the versions of all limits (random: another sum, and one has changed), whether turns are vacant in a queue that is not halted (beyond 100 queues the turn duty
 * looks itself), when a staged job expires, whether anything of workflows has to be looked at. Their time becomes now: behind every cursor.
 * $2 is where the last rounds ended, so that dead entries in front are not walked again and again.
 */
export const PROMOTE = statement(
  'promote',
  `with due as materialized (
    select ctid from simple_queue.scheduled where shard = $1 and run_at > $2::timestamptz and run_at <= statement_timestamp()
    order by run_at, id limit 1000 for update skip locked),
  gone as (
    delete from simple_queue.scheduled where shard = $1 and ctid = any(array(select ctid from due)) returning id, run_at),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from gone)) returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  ${placed('moved', ['ready', 'fair_ready', 'suspect', 'keyed'])},
  ${KEYS_ASKED}
  select
    (select count(*) from gone)::int as promoted,
    array(select distinct lane from moved where limit_key is null) as lanes,
    exists (select from keyed) as "movedKeyed",
    exists (select from moved where fair and limit_key is null) as "movedFair",
    exists (select from moved where suspicion > 0) as "movedSuspects",
    (select max(run_at) from gone)::text as until,
    (select extract(epoch from run_at - statement_timestamp()) * 1000 from simple_queue.scheduled
      where shard = $1 and run_at > statement_timestamp() and run_at < 'infinity' order by run_at limit 1)::float8 as "nextMs",
    (select coalesce(sum(id), 0) from (select id from simple_queue.lane order by created_at desc limit 100) n)::float8 as registry,
    array(select id from simple_queue.queue where paused_at is not null) as "pausedQueues",
    array(select queue from simple_queue.outcome) as "outcomeQueues",
    (select coalesce(sum(version), 0) from simple_queue.fleet_limit where shard = $1)::float8 as limits,
    exists (with recursive ${vacantQueues('-1')} select from hop v where v.n = 100 or not ${isHalted('v.queue')}) as vacant,
    exists (select from simple_queue.arrival where shard = $1) or exists (select from simple_queue.workflow
      where shard = $1 and deadline_at <= statement_timestamp() and ended_at is null and stop is null) as arrived,
    (select greatest(0, extract(epoch from due_at - statement_timestamp()) * 1000) from simple_queue.key_change
      where shard = $1 order by due_at limit 1)::float8 as "keyMs",
    (select extract(epoch from commit_by - statement_timestamp()) * 1000 from simple_queue.job
      where shard = $1 and commit_by > '-infinity' and commit_by < 'infinity' order by commit_by limit 1)::float8 as "expiryMs",
    (select case when exists (select from (select waiting from simple_queue.schedule where shard = $1 and waiting > 0 order by waiting desc limit 1) w) then 0
      else (select ${msOf('next_at')} - ${msOf('statement_timestamp()')} from simple_queue.schedule
        where shard = $1 and paused_at is null and next_at > '-infinity' order by next_at limit 1) end)::float8 as "tickMs",
    array(select q.lane from unnest($3::int[]) q(lane) cross join lateral (
      select 1 from simple_queue.fair_ready where lane = q.lane and shard = $1 limit 1) f) as fair,
    exists (select from unnest($3::int[]) q(lane) cross join lateral (
      select 1 from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion < 3 limit 1) s) as suspects,
    exists (select from unnest($3::int[]) q(lane) cross join lateral (
      select 1 from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion > 2 limit 1) s) as lone`,
);
