import { statement } from '../connection/statement.js';
import { claimedColumns, claimedJobs, share } from '../claim/claimed-columns.sql.js';
import { unblocked } from '../groups/unblocked.sql.js';
import { outcomesOf } from '../outcomes/told-outcomes.sql.js';
import { ended, KEPT } from '../places/ended.sql.js';
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

/** A follower that this process may run now: nothing but its turn kept it. */
const FOLLOWS = `n.since is not null and n.lane = any($7::int[]) and n.run_at <= statement_timestamp() and n.suspicion = 0
      and n.commit_by is null and n.limit_key is null and n.own_lane is null`;

/** Members: the next jobs of the groups of `held` have their turns. */
const PASSED_ON = `next as materialized (
    select n.*, ${FOLLOWS} as follows from (
      select h.id as after, h.since, n.place, n.id, n.lane, n.epoch, j.* from held h
      cross join lateral (
        select ctid as place from simple_queue.blocked
        where group_name = h.group_name and shard = $1 and queue = h.queue and seq > h.seq order by seq limit 1) l
      cross join lateral (
        select ctid as place, id, lane, epoch, null::timestamptz as run_at from simple_queue.blocked
        where ctid = l.place and shard = $1 limit 1 for update skip locked) n
      ${claimedJobs(share('cardinality($2::uuid[])'), 'limit 1 for update skip locked', ', run_at, commit_by, limit_key')}
      where not exists (select from simple_queue.head x where x.queue = h.queue and x.shard = $1 and x.halts offset 0)) n),
  taken as materialized (select * from next where follows),
  ${unblocked('select id from next where not follows')},
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $8::uuid, $1, $9::uuid, array_agg(id), array_agg(epoch) from taken having count(*) > 0),
  over as (
    delete from simple_queue.claim where shard = $1 and id = any($10::uuid[]))`;

/**
 * Settles successes of ordered jobs, fenced by epoch, and passes the turn of each group on to its next job. Where $6 says since when
 * this process runs jobs of the group one after another, that job is claimed with the same commit ($7: its lanes, $8: the claim, $9: the
 * lease): it never stands in `ready`. Otherwise, and whatever else keeps it, it goes where jobs with a turn stand.
 *
 * No lock of the group is taken: whoever enqueues may hold it for as long as its transaction lasts. The lowest blocked row that is
 * visible is the next in commit order; where none is, or where somebody holds it or its job locked (a cancel or a commit in a user's
 * transaction), the turn becomes vacant and the turn duty has the rest. Never the second lowest: SKIP LOCKED is asked of one row.
 * The job is locked for what it holds now: whoever changes a blocked job locks its place alone.
 * What lies before the ended job's number is gone, so the dead entries of a long group are not walked. The job's time becomes now,
 * behind every cursor, unless it lies ahead; of a claimed one that is only told. What is kept of a success comes as one JSON object by
 * id: a join of two lists whose length the planner does not know may become a loop over both.
 *
 * The last row tells in the payload's place what else came of it.
 */
const settle = (isKept: string, more: string, woken: string): string => `with held as materialized (
    select u.id, u.since, j.* from unnest($2::uuid[], $3::int[], $6::float8[]) u(id, epoch, since)
    cross join lateral (
      select queue, group_name, seq, limit_key from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j),
  done as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from held)) returning ${KEPT}, queue),
  kept as (
    ${ended('archive', SUCCEEDED)}
    from (select *, $5::jsonb -> id::text as k from done) d where ${isKept}),
  ${PASSED_ON},
  ${placed('moved', ['ready', 'suspect', 'scheduled', 'staged', 'keyed'], { ready: 'lane', scheduled: 'id' })},
  ${permitsAskedAnew('held t')},${more}
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select group_name, $1, queue from held h
    where (select count(*) from next) < (select count(*) from held)
      and seq is not null and not exists (select from next n where n.after = h.id)
    returning queue),
  told as (
    select json_build_object('lanes', array(select distinct lane from ${woken}),
      'later', (select count(*) from scheduled),
      'vacant', (select count(*) from vacated),
      'keys', exists (select from unpermitted) or exists (select from keyed),
      'lost', array(select u.id from unnest($2::uuid[]) u(id)
        where (select count(*) from held) < cardinality($2::uuid[]) and not exists (select from held h where h.id = u.id))) as told)
  select ${claimedColumns('n', 'n', 'greatest(n.run_at, statement_timestamp())')}, null, n.since from taken n
  union all
  select null, null, null, null, null, null, null, null, null, null, null, null, null, null, told, null, null, null, null, null from told`;

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
