import { statement } from '../connection/statement.js';
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { arrived } from '../places/arrived.sql.js';
import { ended, shortened } from '../places/ended.sql.js';
import { LOCKED_RUNS } from '../places/held.sql.js';
import { permitsFreed } from '../places/keys.sql.js';
import { stopped, vacated } from '../places/turns.sql.js';

const SAID = {
  state: 'state',
  attempt: 'spent',
  run_ms: `(verdict ->> 'runMs')::int`,
  worker: '$5',
  last_error: `coalesce(verdict -> 'error', last_error)`,
  history: 'told',
};

/**
 * Ends jobs that did not succeed: `cancelled` into the archive, the rest into the dead letter table. Fenced by epoch. A job
 * whose cancel was requested ends as cancelled, however its last run failed.
 * What belongs to each job comes as one JSON object by id: failures are rare, and one parameter keeps one shape.
 * An ordered job gives its turn away, unless it failed for good and its queue says that a dead job blocks the group, or halts the queue.
 */
export const BURY = statement(
  'bury',
  `with gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      ${LOCKED_RUNS}))
    returning *, $4::jsonb -> id::text as verdict),
  said as materialized (
    select *, case when cancel_at is null then verdict ->> 'state' else 'cancelled' end as state,
      attempt + (verdict ->> 'spent')::int as spent,
      statement_timestamp() + (verdict ->> case when cancel_at is null and verdict ->> 'state' <> 'cancelled'
        then 'deadLetterKeepMs' else 'archiveKeepMs' end)::float8 * interval '1 millisecond' as expires_at,
      case when verdict ? 'entry' then
        ${shortened('history')}
        || (verdict -> 'entry' || jsonb_build_object('at', statement_timestamp()))
      else history end as told
    from gone),
  buried as (
    ${ended('dead_letter', { ...SAID, error_key: `verdict ->> 'errorKey'` })}
    from said where state <> 'cancelled'),
  kept as (
    ${ended('archive', SAID)}
    from said where state = 'cancelled' and expires_at is not null),
  ${vacated(`said
    where seq is not null and (state = 'cancelled' or coalesce(verdict ->> 'onDeadJob', 'block') = 'skip')`)},
  ${stopped(`select group_name, $1, queue, id, seq, statement_timestamp(), expires_at, coalesce(verdict ->> 'onDeadJob', 'block') = 'halt'
    from said where seq is not null and state <> 'cancelled' and coalesce(verdict ->> 'onDeadJob', 'block') <> 'skip'`)},
  ${arrived('said', {
    state: `case state when 'cancelled' then state else 'failed' end`,
    error: `verdict -> 'error'`,
  })},
  ${outcomesOf('said', { state: 'state', error: `verdict -> 'error'` })},
  ${permitsFreed('gone t')}
  select id, state from said`,
);
