import { statement } from '../connection/statement.js';
import { shortened } from '../places/ended.sql.js';
import { fenced } from '../places/held.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';

/** A handler that asks at once again and again runs no more often than once per second from then on: a job may go on for days. */
const EAGER = 100;

/**
 * Puts running jobs back: retry, reschedule, release. Driven by the update at the run's epoch, never by a plain read, and the
 * epoch rises, so that the old run can no longer settle. A job whose cancel was requested is not put back: it comes back
 * with `moved` false, and its worker ends it as cancelled. What is put back gets a fresh time, so that it is behind
 * every worker's cursor. Its first reschedule is noted among its options, which it takes along. A run that ended by itself clears the suspicion and its stalls; a released one keeps them.
 */
export const PUT_BACK = statement(
  'put_back',
  `with held as materialized (
    select j.id, j.cancel_at from unnest($2::uuid[], $3::int[]) u(id, epoch)
    ${fenced('id, cancel_at', 'for update')}),
  moved as (
    update simple_queue.job set
      epoch = epoch + 1,
      run_at = greatest(statement_timestamp() + case when reschedules >= ${EAGER} and ($4::jsonb -> id::text ->> 'rescheduled')::int > 0
        then interval '1 second' else interval '0' end, coalesce(
        ($4::jsonb -> id::text ->> 'at')::timestamptz,
        statement_timestamp() + ($4::jsonb -> id::text ->> 'delayMs')::float8 * interval '1 millisecond')),
      attempt = attempt + ($4::jsonb -> id::text ->> 'spent')::int,
      reschedules = reschedules + ($4::jsonb -> id::text ->> 'rescheduled')::int,
      options = case when ($4::jsonb -> id::text ->> 'rescheduled')::int > 0
        then jsonb_build_object('rescheduledSince', statement_timestamp()) || coalesce(options, '{}') else options end,
      suspicion = case when ($4::jsonb -> id::text ->> 'ran')::boolean then 0 else suspicion end,
      stalls = case when ($4::jsonb -> id::text ->> 'ran')::boolean then 0 else stalls end,
      last_error = coalesce($4::jsonb -> id::text -> 'error', last_error),
      history = case when $4::jsonb -> id::text ? 'entry' then
        ${shortened('history')}
        || (($4::jsonb -> id::text -> 'entry') || jsonb_build_object('at', statement_timestamp()))
      else history end
    where shard = $1 and id = any(array(select id from held where cancel_at is null))
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  ${placed('moved', ['ready', 'fair_ready', 'scheduled', 'suspect', 'keyed'])},
  ${permitsAskedAnew('moved t')}
  select id, cancel_at is null as moved from held`,
);
