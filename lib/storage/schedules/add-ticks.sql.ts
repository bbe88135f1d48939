import { statement } from '../connection/statement.js';

/**
 * Notes times that somebody asked for by hand; returns those that have no job yet. Whoever enqueues for them does so in the same
 * transaction. A triggered job ($6) is among those that a tick looks for; of a backfill's thousand none does.
 */
export const ADD_TICKS = statement(
  'add_ticks',
  `with added as (
    insert into simple_queue.tick as t (schedule, shard, at, outcome, job)
    select $2, $1, u.at, $5, u.job from unnest($3::timestamptz[], $4::uuid[]) u(at, job)
    on conflict (schedule, shard, at) do update set outcome = excluded.outcome, job = excluded.job, made_at = statement_timestamp(), times = null, code = null
      where t.outcome in ('skipped', 'missed', 'refused')
    returning job),
  known as (
    update simple_queue.schedule set jobs = jobs[greatest(1, cardinality(jobs) - 98):] || array(select job from added)
    where name = $2 and shard = $1 and $6 and spec ->> 'overlap' <> 'allow')
  select job from added`,
);
