import { statement } from '../connection/statement.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { isPlaceOf, placed, unplaced } from '../places/places.sql.js';

const MOVABLE = ['ready', 'scheduled', 'suspect', 'keyed'] as const;
const HOLDING = [...MOVABLE, 'fair_ready', 'blocked', 'staged'] as const;

/**
 * Gives the waiting jobs of these keys new contents and a new time, under the id they have. The place row is locked first and decides,
 * as in `cancel`: where it could be deleted the job was waiting. A job without a waiting place in the snapshot runs, and is left alone;
 * one whose place was seen and is gone has moved meanwhile, and the caller looks again.
 *
 * A job of a group, or a staged one, holds a place that others count on: the caller gives it the new contents where it is (`held`), if they are for
 * the same handler (`fits`).
 *
 * What is new is work of its own: it has all its attempts. What the job did to its processes (stalls, suspicion) stays with its id.
 * In callers' transactions too, so the stretch of the keys is given for the sake of their planners.
 */
export const REPLACE = statement(
  'replace',
  `with target as materialized (
    select i.position, i.lane as new_lane, i.priority as new_priority, i.fingerprint, i.options, i.payload, i.payload_bytes, i.limit_key as new_key, j.*,
      greatest(statement_timestamp(), coalesce(i.at, statement_timestamp() + i.delay_ms * interval '1 millisecond')) as due
    from unnest($2::int[], $3::int[], $4::text[], $5::int[], $6::smallint[], $7::timestamptz[], $8::float8[], $9::text[], $10::text[],
                $11::text[], $12::bytea[], $13::text[])
      i(position, queue, unique_key, lane, priority, at, delay_ms, fingerprint, options, payload, payload_bytes, limit_key)
    cross join lateral (
      select id, lane, queue, priority, run_at, suspicion, limit_key, seq, coalesce(group_name, commit_by::text) as group_name from simple_queue.job
      where unique_key = i.unique_key and shard = $1 and queue = i.queue limit 1) j),
  seen as materialized (
    select t.id from target t
    where t.group_name is null and (${MOVABLE.map((place) => `exists (select from simple_queue.${place} p where ${isPlaceOf(place, 't')} offset 0)`).join('\n      or ')})),
  ${unplaced('target', MOVABLE, 't.group_name is null')},
  waiting as materialized (
    select id from unready union all select id from unscheduled union all select id from unsuspected union all select id from unkeyed),
  moved as (
    update simple_queue.job j set lane = t.new_lane, priority = t.new_priority, run_at = t.due, fingerprint = t.fingerprint,
      options = t.options::jsonb, payload = t.payload::json, payload_bytes = t.payload_bytes, limit_key = t.new_key,
      attempt = 0, reschedules = 0, last_error = null, progress = null, cancel_at = null
    from target t
    where j.shard = $1 and j.id = any(array(select id from waiting)) and t.id = j.id
    returning j.id, j.lane, j.queue, j.priority, j.run_at, j.epoch, j.suspicion, j.limit_key),
  ${placed('moved', MOVABLE)},
  ${permitsAskedAnew('(select id, limit_key from target where id in (select id from moved)) t')}
  select t.position, t.id, exists (select from moved m where m.id = t.id) as replaced,
    not exists (select from seen s where s.id = t.id) as running, t.lane = t.new_lane as fits,
    t.group_name is not null and (${HOLDING.map((place) => `exists (select from simple_queue.${place} p where ${isPlaceOf(place, 't')} offset 0)`).join('\n      or ')}) as held
  from target t`,
);
