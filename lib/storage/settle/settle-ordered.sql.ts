import { statement } from '../connection/statement.js';
import { UNBLOCKED } from '../groups/unblocked.sql.js';
import { outcomesOf } from '../outcomes/told-outcomes.sql.js';
import { ended, KEPT } from '../places/ended.sql.js';
import { LOCKED_RUNS } from '../places/held.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';

const SUCCEEDED = {
  state: `'succeeded'`,
  attempt: 'attempt + 1',
  run_ms: `(k -> 'runMs')::int`,
  expires_at: `statement_timestamp() + (k -> 'keepMs')::float8 * interval '1 millisecond'`,
  worker: '$4',
  output: `k -> 'output'`,
  last_error: undefined,
};

/** Members: the next jobs of the groups of `done` have their turns. */
const PASSED_ON = `next as materialized (
    select d.id as after, b.place from done d
    cross join lateral (
      select seq from simple_queue.blocked
      where group_name = d.group_name and shard = $1 and queue = d.queue and seq > d.seq order by seq limit 1) l
    cross join lateral (
      select ctid as place, id from simple_queue.blocked
      where group_name = d.group_name and shard = $1 and queue = d.queue and seq = l.seq limit 1 for update skip locked) b
    cross join lateral (
      select id from simple_queue.job where id = b.id and shard = $1 limit 1 for update skip locked) j
    where not exists (select from simple_queue.head h where h.queue = d.queue and h.shard = $1 and h.halts offset 0)),
  ${UNBLOCKED}`;

/**
 * Settles successes of ordered jobs, fenced by epoch, and passes the turn of each group on to its next job.
 *
 * No lock of the group is taken: whoever enqueues may hold it for as long as its transaction lasts. The lowest blocked row that is
 * visible is the next in commit order; where none is, or where somebody holds it or its job locked (a cancel or a commit in a user's
 * transaction), the turn becomes vacant and the turn duty has the rest. Never the second lowest: SKIP LOCKED is asked of one row.
 * What lies before the ended job's number is gone, so the dead entries of a long group are not walked. The job's time becomes now,
 * behind every cursor, unless it lies ahead. What is kept of a success comes as one JSON object by id: a join of two lists whose length
 * the planner does not know may become a loop over both.
 */
const settle = (isKept: string, more: string, woken: string): string => `with done as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      ${LOCKED_RUNS}))
    returning ${KEPT}, queue, group_name, seq, limit_key),
  kept as (
    ${ended('archive', SUCCEEDED)}
    from (select *, $5::jsonb -> id::text as k from done) d where ${isKept}),
  ${PASSED_ON},
  ${placed('moved', ['ready', 'suspect', 'scheduled', 'staged', 'keyed'], { ready: 'lane', scheduled: 'id' })},
  ${permitsAskedAnew('done t')},${more}
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select group_name, $1, queue from done d
    where (select count(*) from next) < (select count(*) from done)
      and seq is not null and not exists (select from next n where n.after = d.id)
    returning queue)
  select array(select distinct lane from ${woken}) as lanes,
    (select count(*) from scheduled)::int as later,
    (select count(*) from vacated)::int as vacant,
    exists (select from unpermitted) or exists (select from keyed) as keys,
    array(select u.id::text from unnest($2::uuid[]) u(id)
      where (select count(*) from done) < cardinality($2::uuid[]) and not exists (select from done d where d.id = u.id)) as lost`;

export const SETTLE_ORDERED = statement('settle_ordered', settle('k is not null', '', 'readied'));

const OUTCOMES = outcomesOf('done', {
  state: `'succeeded'::text`,
  output: `$5::jsonb -> id::text -> 'output'`,
});

/** The same of jobs whose ends are told to another queue, ordered ones or not. Of what is not kept the output is told all the same. */
export const SETTLE_TOLD = statement(
  'settle_told',
  settle(
    `k ? 'keepMs'`,
    `\n  ${OUTCOMES},`,
    '(select lane from readied union all select lane from outcomes) w',
  ),
);
