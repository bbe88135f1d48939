import { statement } from '../connection/statement.js';
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { ended, keptByQueue } from '../places/ended.sql.js';
import { isLost, turnless } from '../places/lost.sql.js';
import { vacated } from '../places/turns.sql.js';

/**
 * Ends the staged jobs `due` as `expired`; nobody waits for them any more, so their turns are vacant whatever the dead job policy says.
 * $2 says by queue name how long they are kept. What is in no place ends as well: it would be found for ever, and hold up the others of its page.
 */
const expired = (due: string, error: string): string => `with due as materialized (
    ${due}),
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(select id from due)) returning id),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(
      select b.ctid from due d
      cross join lateral (select group_name, queue, seq from simple_queue.job where id = d.id and shard = $1 offset 0) j
      cross join lateral (
        select ctid from simple_queue.blocked
        where group_name = j.group_name and shard = $1 and queue = j.queue and seq = j.seq limit 1 for update skip locked) b))
    returning id),
  lost as materialized (
    select j.id, j.group_name, j.queue, j.seq from due d cross join lateral (
      select * from simple_queue.job where id = d.id and shard = $1 and epoch = d.epoch offset 0) j
    where d.id not in (select id from unstaged union all select id from unblocked)
      and ${isLost('j')}),
  gone as (
    delete from simple_queue.job where shard = $1
      and id = any(array(select id from unstaged union all select id from unblocked union all select id from lost))
    returning *),
  buried as (
    ${ended('dead_letter', { state: `'expired'`, last_error: error })}
    from gone g ${keptByQueue('g', 'deadLetter', '$2')}),
  ${outcomesOf('gone', { state: `'expired'::text`, error })},
  ${vacated(`(
      select group_name, queue from gone where seq is not null and id in (select id from unstaged)
      union select g.group_name, g.queue from ${turnless('lost')} and g.seq is not null) t`)}
  select (select count(*) from due)::int as due, (select count(*) from gone)::int as expired`;

/** At most 500 whose time to be committed is over, by the database's clock. What is being committed or aborted right now is skipped. */
export const EXPIRE_STAGED = statement(
  'expire_staged',
  expired(
    `select id, epoch from simple_queue.job where shard = $1 and commit_by <= statement_timestamp()
    order by commit_by limit 500 for update skip locked`,
    `jsonb_build_object('name', 'QueueError', 'code', 'COMMIT_EXPIRED', 'message',
        'The staged job was neither committed nor aborted in its time.')`,
  ),
);

/** The jobs $3, because of what $4 has under their ids: what they depend on has not succeeded. */
export const FAIL_DEPENDENTS = statement(
  'fail_dependents',
  expired(
    `select id, epoch from simple_queue.job where id = any($3::uuid[]) and shard = $1 and commit_by is not null order by id for update`,
    '$4::jsonb -> id::text',
  ),
);
