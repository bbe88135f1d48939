import { statement } from '../statement.js';
import { placed } from './places.sql.js';

/**
 * Gives the waiting jobs of these keys new contents and a new time, under the id they have. The place row is locked first and decides,
 * as in `cancel`: where it could be deleted the job was waiting. A job without a waiting place in the snapshot runs, and is left alone;
 * one whose place was seen and is gone has moved meanwhile, and the caller looks again.
 *
 * A job of a group, or a staged one, holds a place that others count on: it is left alone as if it ran.
 *
 * What is new is work of its own: it has all its attempts. What the job did to its processes (stalls, suspicion) stays with its id.
 * In callers' transactions too, so the stretch of the keys is given for the sake of their planners.
 */
export const REPLACE = statement(
  'replace',
  `with target as materialized (
    select i.*, j.id, j.lane as old_lane, j.priority as old_priority, j.run_at as old_run_at, j.suspicion, j.group_name,
      greatest(statement_timestamp(), coalesce(i.at, statement_timestamp() + i.delay_ms * interval '1 millisecond')) as due
    from unnest($2::int[], $3::int[], $4::text[], $5::int[], $6::smallint[], $7::timestamptz[], $8::float8[], $9::text[], $10::text[],
                $11::text[], $12::bytea[])
      i(position, queue, unique_key, lane, priority, at, delay_ms, fingerprint, options, payload, payload_bytes)
    cross join lateral (
      select id, lane, priority, run_at, suspicion, coalesce(group_name, commit_by::text) as group_name from simple_queue.job
      where unique_key = i.unique_key and shard = $1 and queue = i.queue limit 1) j),
  seen as materialized (
    select t.id from target t
    where t.group_name is null and (exists (select from simple_queue.ready r where r.lane = t.old_lane and r.shard = $1 and r.priority = t.old_priority
        and r.run_at = t.old_run_at and r.id = t.id offset 0)
      or exists (select from simple_queue.scheduled s where s.run_at = t.old_run_at and s.shard = $1 and s.id = t.id offset 0)
      or exists (select from simple_queue.suspect s where s.lane = t.old_lane and s.shard = $1 and s.suspicion = t.suspicion
        and s.run_at = t.old_run_at and s.id = t.id offset 0))),
  unready as (
    delete from simple_queue.ready where shard = $1 and lane = any(array(select distinct old_lane from target))
      and priority = any(array(select distinct old_priority from target))
      and run_at between (select min(old_run_at) from target) and (select max(old_run_at) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.ready r where r.lane = t.old_lane and r.shard = $1 and r.priority = t.old_priority
        and r.run_at = t.old_run_at and r.id = t.id for update) p where t.group_name is null)) returning id),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select min(old_run_at) from target) and (select max(old_run_at) from target) and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.scheduled s where s.run_at = t.old_run_at and s.shard = $1 and s.id = t.id for update) p where t.group_name is null))
    returning id),
  unsuspected as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.suspect s where s.lane = t.old_lane and s.shard = $1 and s.suspicion = t.suspicion
        and s.run_at = t.old_run_at and s.id = t.id for update) p where t.group_name is null)) returning id),
  waiting as materialized (
    select id from unready union all select id from unscheduled union all select id from unsuspected),
  moved as (
    update simple_queue.job j set lane = t.lane, priority = t.priority, run_at = t.due, fingerprint = t.fingerprint,
      options = t.options::jsonb, payload = t.payload::json, payload_bytes = t.payload_bytes,
      attempt = 0, reschedules = 0, last_error = null, cancel_at = null
    from target t
    where j.shard = $1 and j.id = any(array(select id from waiting)) and t.id = j.id
    returning j.id, j.lane, j.priority, j.run_at, j.epoch, j.suspicion),
  ${placed('moved', ['ready', 'scheduled', 'suspect'])}
  select t.position, t.id, exists (select from moved m where m.id = t.id) as replaced,
    not exists (select from seen s where s.id = t.id) as running
  from target t`,
);
