import { PURGED_MS } from '../../job/lane.js';
import { statement } from '../connection/statement.js';
import { released } from '../places/turns.sql.js';

/** The queue of a dead letter `d` that blocks its group, where somebody has deleted the row of its lane. */
const BLOCKED_BY = `(select b.queue from simple_queue.head b where b.group_name = coalesce(d.options ->> 'group', '') and b.shard = $1 and b.dead = d.id limit 1)`;

/**
 * Deletes ended jobs ($2) for good, as far as they still stand in one of the states $3. The caller bounds the list. An ordered group that
 * such a job holds up goes on.
 */
export const PURGE_ENDED = statement(
  'purge_ended',
  `with undead as (
    delete from simple_queue.dead_letter where shard = $1 and id = any($2::uuid[]) and state = any($3::text[])
    returning id, lane, options),
  stopped as materialized (
    select h.ctid from undead d left join simple_queue.lane l on l.id = d.lane
    cross join lateral (
      select ctid from simple_queue.head
      where group_name = coalesce(d.options ->> 'group', '') and shard = $1 and queue = coalesce(l.queue, ${BLOCKED_BY}) and dead = d.id limit 1 for update) h
    where d.options ? 'ordered'),
  ${released('stopped')},
  unkept as (
    delete from simple_queue.archive where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) returning id)
  select (select count(*) from undead)::int + (select count(*) from unkept)::int as purged`,
);

/** Before jobs of these queues are deleted for good: a spool that may have stored them asks nobody who remembers them. In one order for all. */
export const NOTE_PURGED = statement(
  'note_purged',
  `update simple_queue.queue q set policy = jsonb_set(coalesce(q.policy, '{}'), '{kept}', coalesce(q.policy -> 'kept', '{}') ||
    jsonb_build_object('${PURGED_MS}', extract(epoch from statement_timestamp())::float8))
  from (select id from simple_queue.queue where name = any($1::text[]) order by id for no key update) o where q.id = o.id`,
);
