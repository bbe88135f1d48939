import { TIMED } from '../../storage/places/places.sql.js';
import { statement } from '../../storage/connection/statement.js';

/**
 * Moves every stored time $2 milliseconds back, as if they had passed. In one statement: a place repeats its job's run time, and the two
 * must never differ. Keys that begin with a time shift together, so none meets another.
 */
export const ADVANCE_TIME = statement(
  'advance_time',
  `with step as materialized (select $2::float8 * interval '1 millisecond' as ms),
  jobs as (
    update simple_queue.job set created_at = created_at - (select ms from step), run_at = run_at - (select ms from step),
      cancel_at = cancel_at - (select ms from step), commit_by = commit_by - (select ms from step),
      options = case when options ? 'rescheduledSince' then options || jsonb_build_object('rescheduledSince',
        (options ->> 'rescheduledSince')::timestamptz - (select ms from step)) else options end where shard = $1),
  ${TIMED.map((place) => `${place} as (update simple_queue.${place} set run_at = run_at - (select ms from step) where shard = $1)`).join(',\n  ')},
  heads as (
    update simple_queue.head set dead_at = dead_at - (select ms from step), dead_until = dead_until - (select ms from step)
    where shard = $1 and dead_at is not null),
  changes as (update simple_queue.key_change set due_at = due_at - (select ms from step) where shard = $1),
  buckets as (update simple_queue.key_bucket set next_at = next_at - (select ms from step) where shard = $1),
  limits as (
    update simple_queue.fleet_limit set next_at = next_at - (select ms from step), held_until = held_until - (select ms from step)
    where shard = $1),
  claims as (update simple_queue.claim set created_at = created_at - (select ms from step) where shard = $1),
  leases as (
    update simple_queue.lease set created_at = created_at - (select ms from step), expires_at = expires_at - (select ms from step)
    where shard = $1),
  lapsed as (update simple_queue.lapsed set lapsed_at = lapsed_at - (select ms from step) where shard = $1),
  periods as (update simple_queue.throttle set ends_at = ends_at - (select ms from step) where shard = $1),
  ids as (update simple_queue.given_id set noted_at = noted_at - (select ms from step) where shard = $1),
  schedules as (
    update simple_queue.schedule set created_at = created_at - (select ms from step), paused_at = paused_at - (select ms from step),
      next_at = next_at - (select ms from step), last_at = last_at - (select ms from step), announced_at = announced_at - (select ms from step),
      spec = spec || jsonb_build_object('aheadMs', coalesce((spec ->> 'aheadMs')::float8, 0) + $2) where shard = $1),
  ticks as (update simple_queue.tick set at = at - (select ms from step), made_at = made_at - (select ms from step) where shard = $1),
  tallies as (
    update simple_queue.tally set minute = minute - (select ms from step), expires_at = expires_at - (select ms from step) where shard = $1),
  workflows as (
    update simple_queue.workflow set created_at = created_at - (select ms from step), deadline_at = deadline_at - (select ms from step),
      ended_at = ended_at - (select ms from step), expires_at = expires_at - (select ms from step) where shard = $1),
  steps as (update simple_queue.step set ended_at = ended_at - (select ms from step) where shard = $1 and ended_at is not null),
  drafts as (update simple_queue.draft set run_at = run_at - (select ms from step) where shard = $1 and run_at is not null),
  archived as (
    update simple_queue.archive set created_at = created_at - (select ms from step), run_at = run_at - (select ms from step),
      finished_at = finished_at - (select ms from step), expires_at = expires_at - (select ms from step) where shard = $1),
  buried as (
    update simple_queue.dead_letter set created_at = created_at - (select ms from step), run_at = run_at - (select ms from step),
      finished_at = finished_at - (select ms from step), expires_at = expires_at - (select ms from step) where shard = $1)
  select from step`,
);
