import { statement } from '../connection/statement.js';
import { claimedColumns, claimedJobs, share } from '../claim/claimed-columns.sql.js';
import { unblocked } from '../groups/unblocked.sql.js';
import { isHalted } from '../groups/vacant-queues.sql.js';
import { HEIRS, HEIRS_CAME, HEIRS_CLAIMED, HEIRS_MOVED, HEIRS_PUT, PERMITS_PASSED } from '../limits/heirs.sql.js'; // prettier-ignore
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { ended, KEPT, SUCCEEDED } from '../places/ended.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';

/** What is heavier than so many bytes is not read ahead. */
const LIGHT = '1000';

/** A follower that this process may run now: nothing but its turn keeps it. */
const follows = (
  row: string,
): string => `${row}.lane = any($7::int[]) and ${row}.run_at <= statement_timestamp() and ${row}.suspicion = 0
      and ${row}.commit_by is null and ${row}.limit_key is null and ${row}.own_lane is null`;

const MORE = ', run_at, commit_by, limit_key';

/** What is done where some of the jobs have permits of keys, and where none has: the permits of a few that had all the same are handed on by the duty. */
const KEYED = {
  heirs: `${HEIRS},\n  `,
  moving: HEIRS_MOVED,
  claimed: HEIRS_CLAIMED,
  placed: `${HEIRS_PUT},\n  ${placed('put', ['ready', 'fair_ready', 'suspect', 'scheduled', 'staged', 'keyed'], { ready: 'lane', fair_ready: 'lane', scheduled: 'id' })},
  ${PERMITS_PASSED}`,
  woken: '(select lane from readied union all select lane from fairly) w',
  freed: 'freed',
  fair: `\n      'fair', exists (select from fairly),`,
  came: HEIRS_CAME,
};
const UNKEYED: typeof KEYED = {
  heirs: '',
  moving: '',
  claimed: '',
  placed: `${placed('moved', ['ready', 'suspect', 'scheduled', 'staged', 'keyed'], { ready: 'lane', scheduled: 'id' })},
  ${permitsAskedAnew('held t')}`,
  woken: 'readied',
  freed: 'unpermitted',
  fair: '',
  came: '',
};

/** Members: the next jobs of the groups of `held` and `first`. */
const NEXT = `known as materialized (
    select u.after, u.id, u.epoch, n.place from unnest($11::uuid[], $12::tid[], $13::uuid[], $14::int[], $15::int[]) u(after, place, id, epoch, queue)
    cross join lateral (
      select ctid as place from simple_queue.blocked
      where ctid = u.place and shard = $1 and id = u.id and epoch = u.epoch limit 1 for update skip locked) n
    where (u.after in (select id from first)) is true and not ${isHalted('u.queue')}),
  next as materialized (
    select n.*, n.ahead is not null and ${follows('n')} as follows from (
      select h.id as after, h.ahead, h.group_name, h.queue, n.place, n.seq, n.id, n.lane, n.epoch, j.* from held h
      cross join lateral (
        select ctid as place, epoch from simple_queue.blocked
        where group_name = h.group_name and shard = $1 and queue = h.queue and seq > h.seq order by seq limit 1) l
      cross join lateral (
        select ctid as place, seq, id, lane, epoch, null::timestamptz as run_at from simple_queue.blocked
        where ctid = l.place and shard = $1 and epoch = l.epoch limit 1 for update skip locked) n
      ${claimedJobs(share('cardinality($2::uuid[])'), 'limit 1 for update skip locked', MORE)}
      where not ${isHalted('h.queue')}) n),
  taken as materialized (select * from next where follows),
  ahead as materialized (
    select a.* from taken t cross join lateral (
      select n.*, bool_and(${follows('n')} and n.large is null) over (order by n.seq) as follows from (
        select t.id as after, n.place, n.seq, n.id, n.lane, n.epoch, j.* from (
          select ctid as place, seq, id, lane, epoch, null::timestamptz as run_at from simple_queue.blocked
          where group_name = t.group_name and shard = $1 and queue = t.queue and seq > t.seq order by seq limit t.ahead) n
        ${claimedJobs(LIGHT, 'offset 0', MORE)}) n) a
    where a.follows)`;

/** Members: these have their turns. */
const passedOn = (keys: typeof KEYED): string => `${NEXT},
  ${unblocked(`select id from next where not follows${keys.moving}`, 'select place from next union all select place from known')},
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $8::uuid, $1, $9::uuid, array_agg(id), array_agg(epoch)
    from (select id, epoch from taken union all select id, epoch from known${keys.claimed}) n having count(*) > 0),
  over as (
    delete from simple_queue.claim where shard = $1 and id = any($10::uuid[]))`;

/** A member: the turns of groups whose next job could not be had. */
const VACATED = `vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select group_name, $1, queue from held h
    where (select count(*) from next) < (select count(*) from held)
      and seq is not null and not exists (select from next n where n.after = h.id)
    union all
    select group_name, $1, queue from first where (id in (select after from known)) is not true
    returning queue),`;

/** What was claimed, what was read ahead, and what else came of it. */
const came = (
  keys: typeof KEYED,
): string => `select ${claimedColumns('n', 'n', 'greatest(n.run_at, statement_timestamp())')}, n.after, null from taken n
  union all
  select ${claimedColumns('n', 'n')}, n.after, n.place::text from ahead n${keys.came}
  union all
  select null, null, null, null, null, null, null, null, null, null, null, null, null, null, told, null, null, null, null, null from told`;

/**
 * Settles successes of ordered jobs, fenced by epoch, and passes the turn of each group on to its next job. Where $6 says how many of the
 * group to read ahead, that job is claimed with the same commit ($7: its lanes, $8: the claim, $9: the lease): it never stands in `ready`.
 * Otherwise, and whatever else keeps it, it goes where jobs with a turn stand.
 *
 * What is read ahead stays blocked, and whoever changes a blocked job raises its epoch. So the next settle of the group need not look: of
 * first runs ($11) whose next jobs were read ahead it takes these by their places ($12 to $14, of the queues $15), as far as they are
 * there still.
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
const settle = (
  isKept: string,
  keys: typeof KEYED,
  { more = '', woken = keys.woken } = {},
): string => `with held as materialized (
    select u.id, u.ahead, j.* from unnest($2::uuid[], $3::int[], $6::int[]) u(id, epoch, ahead)
    cross join lateral (
      select queue, group_name, seq, limit_key from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j),
  gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from held)) returning ${KEPT}, queue),
  first as (
    delete from simple_queue.job where shard = $1 and id = any($11::uuid[]) and epoch = 0 returning ${KEPT}, queue, group_name),
  done as (select * from gone union all select ${KEPT}, queue from first),
  kept as (
    ${ended('archive', SUCCEEDED)}
    from (select *, $5::jsonb -> id::text as k from done) d where ${isKept}),
  ${keys.heirs}${passedOn(keys)},
  ${keys.placed},${more}
  ${VACATED}
  told as (
    select json_build_object('lanes', array(select distinct lane from ${woken}),
      'later', (select count(*) from scheduled),
      'vacant', (select count(*) from vacated),${keys.fair}
      'keys', exists (select from ${keys.freed}) or exists (select from keyed),
      'lost', array(select u.id from unnest($2::uuid[]) u(id)
        where (select count(*) from held) < cardinality($2::uuid[]) and not exists (select from held h where h.id = u.id)
        union all select u.id from unnest($11::uuid[]) u(id) where (u.id in (select id from first)) is not true),
      'at', statement_timestamp()::text,
      'missed', array(select u.id from unnest($13::uuid[]) u(id) where (u.id in (select id from known)) is not true)) as told)
  ${came(keys)}`;

export const SETTLE_ORDERED = statement('settle_ordered', settle('k is not null', UNKEYED));

/** The same where some have permits of keys: the next jobs of these keys have them with the same commit, and are claimed as those of groups are. */
export const SETTLE_KEYED = statement('settle_keyed', settle('k is not null', KEYED));

const OUTCOMES = outcomesOf('done', {
  state: `'succeeded'::text`,
  output: `$5::jsonb -> id::text -> 'output'`,
});

/** The same of jobs whose ends are told to another queue, ordered ones or not. Of what is not kept the output is told all the same. */
export const SETTLE_OUTCOMES = statement(
  'settle_outcomes',
  settle(`k ? 'keepMs'`, KEYED, {
    more: `\n  ${OUTCOMES},`,
    woken:
      '(select lane from readied union all select lane from fairly union all select lane from outcomes) w',
  }),
);
