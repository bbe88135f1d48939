import { WAITING } from '../../storage/places/places.sql.js';
import { statement } from '../../storage/connection/statement.js';

/**
 * Deletes every job, ended or not, and whatever stands for one. Queues and lanes stay: processes know them by number; so do schedules
 * that the code declares. */
export const CLEAR = statement(
  'clear',
  `with jobs as (delete from simple_queue.job where shard = $1 returning 1),
  archived as (delete from simple_queue.archive where shard = $1 returning 1),
  buried as (delete from simple_queue.dead_letter where shard = $1 returning 1),
  ${WAITING.map((place) => `${place} as (delete from simple_queue.${place} where shard = $1)`).join(',\n  ')},
  vacant as (delete from simple_queue.vacant where shard = $1),
  permits as (delete from simple_queue.permit where shard = $1),
  changes as (delete from simple_queue.key_change where shard = $1),
  buckets as (delete from simple_queue.key_bucket where shard = $1),
  heads as (delete from simple_queue.head where shard = $1),
  claims as (delete from simple_queue.claim where shard = $1),
  pulled as (delete from simple_queue.lease where shard = $1 and jobs is not null),
  lapsed as (delete from simple_queue.lapsed where shard = $1),
  periods as (delete from simple_queue.throttle where shard = $1),
  headrooms as (delete from simple_queue.headroom where shard = $1),
  ids as (delete from simple_queue.given_id where shard = $1),
  acts as (delete from simple_queue.operator_action where shard = $1),
  tallies as (delete from simple_queue.tally where shard = $1),
  ${['workflow', 'stage', 'edge', 'step', 'draft', 'undo', 'arrival'].map((table) => `${table}s as (delete from simple_queue.${table} where shard = $1)`).join(',\n  ')},
  ticks as (delete from simple_queue.tick where shard = $1),
  put as (delete from simple_queue.schedule where shard = $1 and not declared),
  declared as (
    update simple_queue.schedule set jobs = '{}', waiting = 0, paused_at = null where shard = $1 and declared)
  select ((select count(*) from jobs) + (select count(*) from archived) + (select count(*) from buried))::int as jobs`,
);

/** What a test has paused goes on. */
export const RESUME_ALL = statement(
  'resume_all',
  'update simple_queue.queue set paused_at = null where paused_at is not null',
);
