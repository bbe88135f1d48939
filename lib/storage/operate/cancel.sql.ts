import { statement } from '../connection/statement.js';
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { arrived } from '../places/arrived.sql.js';
import { ended, keptByQueue } from '../places/ended.sql.js';
import { isLost, turnless } from '../places/lost.sql.js';
import { permitsFreed } from '../places/keys.sql.js';
import { unplaced } from '../places/places.sql.js';
import { vacated } from '../places/turns.sql.js';

/**
 * Cancels live jobs by id, at most as many as the caller's batch. The place row is locked first and decides: where it could be
 * deleted the job was waiting and ends at once; where there is none, the job runs (or is being put back) and is flagged. The
 * claim, and whatever puts a job back, asks for the flag. What is in no place at all will never run, and ends as well. A staged job is
 * locked before its place, as its commit does. $3 says by queue name how long what ended is kept. $4 false is a purge: it
 * keeps nothing, whatever workers have said, and leaves what runs.
 *
 * It also runs in callers' transactions, under their settings: there a planner that believes a full table empty may walk the key instead
 * of taking the ctids, so the stretch of the key is given too.
 */
export const CANCEL = statement(
  'cancel',
  `with target as materialized (
    select id, epoch, lane, priority, run_at, suspicion, group_name, queue, seq, commit_by, fair, limit_key
    from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  ${unplaced('target', ['ready', 'fair_ready', 'scheduled', 'suspect'])},
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(
      select j.id from target t cross join lateral (
        select id from simple_queue.job where id = t.id and shard = $1 for update) j where t.commit_by is not null)) returning id),
  ${unplaced('target', ['blocked', 'keyed'])},
  turned as materialized (
    select id from unready union all select id from unscheduled union all select id from unsuspected union all select id from unstaged
    union all select id from unkeyed),
  waiting as materialized (
    select id from turned union all select id from unblocked union all select id from unfair),
  lost as materialized (
    select j.id, t.group_name, t.queue, t.seq from target t cross join lateral (
      select id from simple_queue.job where id = t.id and shard = $1 and epoch = t.epoch for update) j
    where t.id not in (select id from waiting)
      and ${isLost('t')}),
  gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from waiting union all select id from lost)) returning *),
  kept as (
    ${ended('archive', { state: `'cancelled'` })}
    from gone g ${keptByQueue('g', 'archive', '$3')}
    where expires_at is not null and $4::boolean),
  ${vacated(`(
      select group_name, queue from gone where seq is not null and id in (select id from turned)
      union select g.group_name, g.queue from ${turnless('lost')} and g.seq is not null) t`)},
  ${arrived('gone', { state: `'cancelled'` })},
  ${outcomesOf('gone', { state: `'cancelled'::text` })},
  ${permitsFreed('gone t')},
  flagged as (
    update simple_queue.job set cancel_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from target except select id from waiting except select id from lost)) and cancel_at is null and $4::boolean returning id)
  select (select count(*) from gone)::int as cancelled, (select count(*) from flagged)::int as requested`,
);
