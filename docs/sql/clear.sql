-- $1 smallint
prepare clear as
with jobs as (delete from simple_queue.job where shard = $1 returning 1),
  archived as (delete from simple_queue.archive where shard = $1 returning 1),
  buried as (delete from simple_queue.dead_letter where shard = $1 returning 1),
  ready as (delete from simple_queue.ready where shard = $1),
  fair_ready as (delete from simple_queue.fair_ready where shard = $1),
  suspect as (delete from simple_queue.suspect where shard = $1),
  scheduled as (delete from simple_queue.scheduled where shard = $1),
  blocked as (delete from simple_queue.blocked where shard = $1),
  staged as (delete from simple_queue.staged where shard = $1),
  vacant as (delete from simple_queue.vacant where shard = $1),
  heads as (delete from simple_queue.head where shard = $1),
  claims as (delete from simple_queue.claim where shard = $1),
  pulled as (delete from simple_queue.lease where shard = $1 and jobs is not null),
  lapsed as (delete from simple_queue.lapsed where shard = $1),
  periods as (delete from simple_queue.throttle where shard = $1),
  ids as (delete from simple_queue.given_id where shard = $1),
  tallies as (delete from simple_queue.tally where shard = $1),
  ticks as (delete from simple_queue.tick where shard = $1),
  put as (delete from simple_queue.schedule where shard = $1 and not declared),
  declared as (
    update simple_queue.schedule set jobs = '{}', waiting = 0, paused_at = null where shard = $1 and declared)
  select ((select count(*) from jobs) + (select count(*) from archived) + (select count(*) from buried))::int as jobs;
