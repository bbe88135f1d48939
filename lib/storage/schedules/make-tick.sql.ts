import { statement } from '../connection/statement.js';
import { placed } from '../places/places.sql.js';
import { isMoment, KNOWS_JOBS, LIVE_JOBS } from './schedule-columns.sql.js';

/**
 * Moves a schedule on from the time $3 to $4, notes what became of that time, and stores its job, in one statement: whoever finds `next_at`
 * unchanged wins, a process that was frozen finds another one, or that of another schedule ($15: its hash), and a kill leaves all of it or nothing. A schedule that somebody has locked is
 * left for the next round. What a tick does while an earlier job is live is decided here, on the rows as they are ($6 is the wish:
 * `enqueued`, or `missed` for $7 times). A time has one tick: where there is one already the schedule only moves on.
 *
 * $8 on is a job that nothing is in the way of; without it the caller stores the job in the same transaction. Where the database
 * does not know its lane, nothing happens.
 */
export const MAKE_TICK = statement(
  'make_tick',
  `with target as materialized (
    select s.name, s.spec ->> 'overlap' as overlap, s.waiting, array(${LIVE_JOBS}) as live
    from simple_queue.schedule s
    where s.name = $2 and s.shard = $1 and ${isMoment('s.next_at', '$3')} and s.paused_at is null and s.hash = $15 and ${KNOWS_JOBS}
      and ($8::int is null or exists (select from simple_queue.lane where id = $8 and unused_at is null))
    limit 1 for update of s skip locked),
  decided as materialized (
    select name, overlap, live, case
      when $6::text <> 'enqueued' then $6
      when overlap in ('allow', 'cancel') or (cardinality(live) = 0 and waiting = 0) then 'enqueued'
      when overlap = 'queue' and waiting < 100 then 'waiting' else 'skipped' end as outcome
    from target),
  ticked as (
    insert into simple_queue.tick (schedule, shard, at, outcome, job, times)
    select name, $1, $3::timestamptz, outcome, case when outcome = 'enqueued' then $5::uuid end, $7::int from decided
    on conflict do nothing returning outcome),
  moved as (
    update simple_queue.schedule s set next_at = $4::timestamptz, last_at = $3::timestamptz,
      waiting = s.waiting + (select count(*) from ticked where outcome = 'waiting')::int,
      jobs = case when d.overlap = 'allow' then '{}' else d.live || array(select $5::uuid from ticked where outcome = 'enqueued') end
    from decided d where s.name = d.name and s.shard = $1),
  stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload)
    select $5::uuid, $1, $8::int, $9::int, $10::smallint, greatest(statement_timestamp(), $11::timestamptz), $12::text, $13::jsonb, $14::json
    from ticked where outcome = 'enqueued' and $8::int is not null
    returning id, lane, priority, run_at, epoch),
  ${placed('stored', ['ready', 'scheduled'])}
  select (select outcome from ticked) as outcome, live from decided`,
);
