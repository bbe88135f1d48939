import { statement } from '../connection/statement.js';
import { FULL_SLOTS, USUAL_MS } from '../leases/full-slots.sql.js';
import { HELD_MS } from '../limits/buckets.sql.js';
import { isPulled } from '../lanes/list-lanes.sql.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';
import { isLost } from '../places/lost.sql.js';
import { inLane, MAY_RUN, ofLane } from '../places/places.sql.js';
import { running, vanished } from '../workflows/vanished.sql.js';

/** How many rows of one kind are listed. */
const MOST_ROWS = 100;

/** A trouble as a row: how many, of which queue and name, for how long (ms), and what else names it. */
const row = (
  code: string,
  cells: Partial<
    Record<'queue' | 'name' | 'labels' | 'count' | 'since' | 'subject' | 'extra', string>
  >,
) => {
  const {
    queue = 'null',
    name = 'null',
    labels = 'null',
    count,
    since = 'null',
    subject = 'null',
    extra = '0',
  } = cells;
  const ms = `(extract(epoch from statement_timestamp() - ${since}) * 1000)::float8`;
  return `select '${code}' as code, ${queue}::text as queue, ${name}::text as name, ${labels}::text[] as labels, (${count})::int as count,
    ${since === 'null' ? 'null::float8' : ms} as "sinceMs", (${subject})::text as subject, (${extra})::int as extra`;
};

/** A few ids of a group of rows. */
const some = (id: string): string =>
  `array_to_string((array_agg(${id}::text order by ${id}))[1:5], ' ')`;

/** `alone`: queue, name and first label name no other lane. */
const ALONE = `(select 'alone' where not exists (select from simple_queue.lane o
      where o.queue = lane_queue and o.name = still.name and o.labels @> still.labels[1:1] and o.id <> still.lane))`;

/** Poisoned jobs of the queue, of both kinds, without those that are counted. */
const POISONED = `(select count(*) from poisoned o where o.queue = x.queue) - count(*)`;

/** Does one of the queue's staged jobs wait for others? */
const DEPENDENTS = `select count(*) from (
      select from simple_queue.arrival a cross join lateral (select queue from simple_queue.job where id = a.job and shard = $1 offset 0) j
      where a.kind = 'depend' and a.shard = $1 and j.queue = x.queue limit 1) d`;

/** What may run in lane `l`. */
const WAITING_NOW = inLane(MAY_RUN, 'l.id', { limit: '$2::int + 1', columns: 'run_at' });

/** Runs beyond their timeout, and others: no less than this. */
const OVER_MS = 60_000;
const HUNG_MS = 600_000;
/** A loop may fail for so long where a server restarts. */
const FAILING_MS = 120_000;

/** Dead letters of this long ago are news. */
const NEWS = `interval '1 day'`;

/** The workflow, while it is kept, of a dead letter `d` that is a step: it is run again by that one alone. */
const FLOW = `case when d.options ? 'step' then (select t.workflow from simple_queue.step t where t.id = d.id and t.shard = $1) end as flow`;

/**
 * Whatever waits for a person, as far as the tables tell: in one snapshot, each kind counted to $2 and listed to 100 rows. In a fleet that is
 * well it costs what the small tables hold: lanes are counted only where nobody serves them or their queue is paused; dead letters are found by
 * the time of their end, the last 5 * $2 of all queues, and what was poisoned has an index of its own; jobs in no place are looked for among the $2 oldest.
 */
export const LIST_TROUBLES = statement(
  'list_troubles',
  `with live as materialized (
    select id, lanes, worker, about from simple_queue.lease where shard = $1 and expires_at > statement_timestamp()),
  served as materialized (select distinct unnest(lanes) as lane from live),
  still as materialized (
    select q.name as queue, q.paused_at, l.id as lane, l.queue as lane_queue, l.name, l.labels, r.n, r.since,
      exists (select from served s where s.lane = l.id) or ${isPulled} as served
    from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
    cross join lateral (
      select count(*)::int as n, min(w.run_at) as since from (
        ${WAITING_NOW} union all
        (select s.run_at from (select run_at from ${ofLane('scheduled', 'l.id')} limit $2::int + 1) s where s.run_at <= statement_timestamp()) union all
        (select null from ${ofLane('blocked', 'l.id')} limit $2::int + 1) union all
        (select run_at from ${ofLane('keyed', 'l.id')} limit $2::int + 1)) w) r
    where r.n > 0 and (q.paused_at is not null or not (exists (select from served s where s.lane = l.id) or ${isPulled}))
    limit 10000),
  full_slots as materialized (
    select w.worker, x.waits, f.* from ${FULL_SLOTS} where f."youngestMs" > case when f.over then ${OVER_MS} else ${HUNG_MS} end
    order by f."oldestMs" desc limit ${MOST_ROWS}),
  keepers as materialized (
    select w.worker, j.id, j.lane, c.created_at, b.n from (
      select * from simple_queue.claim where shard = $1 and created_at < statement_timestamp() - ${HUNG_MS} * interval '1 millisecond'
      order by created_at limit $2::int) c
    join live w on w.id = c.lease cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    ${fenced('id, lane, queue, case when seq is not null then group_name end as turn, limit_key', 'offset 0')}
    cross join lateral (select count(*)::int as n from (
      (select from simple_queue.blocked where group_name = j.turn and shard = $1 and queue = j.queue limit $2::int + 1) union all
      (select from (select run_at from simple_queue.keyed where limit_key = j.limit_key and shard = $1 and queue = j.queue limit $2::int + 1) k
        where k.run_at < statement_timestamp() - ${HUNG_MS} * interval '1 millisecond')) b) b
    where b.n > 0 order by c.created_at limit ${MOST_ROWS}),
  usual as materialized (
    select f.held, ${USUAL_MS} as ms from (select held from full_slots union select array[lane] from keepers) f),
  hung as (
    select f.*, u.ms as usual from full_slots f join usual u on u.held is not distinct from f.held
    where f.over or f."youngestMs" > coalesce(u.ms, 0)),
  keeping as (
    select k.*, u.ms as usual from keepers k join usual u on u.held = array[k.lane]
    where k.created_at < statement_timestamp() - coalesce(u.ms, 0) * interval '1 millisecond'),
  silent as materialized (
    select coalesce(w.worker, '') as worker, min(w.expires_at) as since, count(j.id)::int as n,
      (select min(k.pid) from pg_catalog.pg_locks k where k.locktype = 'transactionid' and k.granted and k.transactionid = any(array_agg(j.xmax))) as keeper
    from ${IN_CLAIMS}
    ${fenced('id, xmax', 'offset 0')}
    left join simple_queue.lease w on w.id = c.lease and w.shard = c.shard
    where c.shard = $1 and (w.id is null or w.expires_at <= statement_timestamp()) group by 1),
  dead as materialized (
    select l.queue, d.id, d.state, d.finished_at, ${FLOW}, coalesce(d.last_error ->> 'code' = 'DEPENDENCY_FAILED', false) as dependent,
      coalesce(d.last_error ->> 'code' = 'COMMIT_EXPIRED', false) as uncommitted from (
      select id, lane, state, finished_at, last_error, options from simple_queue.dead_letter
      where state <> 'poisoned' and shard = $1 and finished_at > statement_timestamp() - ${NEWS} order by finished_at desc limit 5 * $2::int) d
    join simple_queue.lane l on l.id = d.lane),
  poisoned as materialized (
    select l.queue, d.id, d.finished_at, ${FLOW}, d.last_error ->> 'code' = 'DATABASE_ERROR' as unreadable
    from (select id, lane, finished_at, last_error, options from simple_queue.dead_letter
      where state = 'poisoned' and shard = $1 and finished_at > statement_timestamp() - ${NEWS} order by finished_at desc limit $2::int + 1) d
    join simple_queue.lane l on l.id = d.lane),
  overdue as materialized (
    select queue, id, commit_by from simple_queue.job
    where commit_by < statement_timestamp() - interval '1 minute' and shard = $1 order by commit_by limit $2::int + 1),
  uncommitted as materialized (
    select j.queue, j.id, j.created_at from (select id from simple_queue.staged where shard = $1 order by id limit $2::int + 1) s
    cross join lateral (select * from simple_queue.job where id = s.id and shard = $1 offset 0) j
    where j.created_at < statement_timestamp() - interval '1 hour' and j.commit_by > statement_timestamp() - interval '1 minute'
      and not exists (select from simple_queue.arrival a where a.kind = 'depend' and a.shard = $1 and a.job = j.id)),
  oldest as materialized (select * from simple_queue.job where shard = $1 order by id limit $2::int),
  lost as materialized (
    select j.queue, j.id, j.created_at from oldest j where ${isLost('j')}),
  ${running(1_000)}
  (${row('NO_WORKER', { count: 'sum(n)', since: 'min(since)' })}
    from (select n, since from still where paused_at is null union all select n, since from silent) w
    where not exists (select from live) having sum(n) > 0)
  union all
  (${row('NO_HANDLER', { queue: 'queue', name: 'name', labels: 'labels', count: 'n', since: 'since', subject: ALONE, extra: '(select count(*) from live where cardinality(lanes) >= 10000)' })}
    from still where not served and exists (select from live) order by since limit ${MOST_ROWS})
  union all
  (${row('HUNG_RUNS', {
    queue: 'q.name',
    count: 'max(h.n)',
    since: `(statement_timestamp() - max(h."oldestMs") * interval '1 millisecond')`,
    subject: `(array_agg(jsonb_build_object('worker', h.worker, 'slots', h.slots, 'over', h.over, 'timed', h.timed, 'usual', h.usual, 'ids', h.ids, 'queue', o.name)
      order by h."oldestMs" desc))[1] || jsonb_build_object('first', array_agg(distinct h.ids[1]) filter (where h.ids[1] is not null))`,
    extra: 'count(distinct h.worker)',
  })}
    from (select h.worker, h.slots, h."oldestMs", h.over, h.timed, h.usual, h.ids, h.held, l.queue, sum(r.n)::int as n
      from hung h join simple_queue.lane l on l.id = any(h.waits)
      cross join lateral (select count(*)::int as n, min(w.run_at) as since from (${WAITING_NOW}) w) r
      where r.since < statement_timestamp() - interval '1 minute' group by 1, 2, 3, 4, 5, 6, 7, 8, 9) h
    join simple_queue.queue q on q.id = h.queue and q.paused_at is null
    left join simple_queue.lane ol on ol.id = h.held[1] left join simple_queue.queue o on o.id = ol.queue
    group by q.name order by max(h."oldestMs") desc limit ${MOST_ROWS})
  union all
  (${row('HUNG_RUNS', {
    queue: 'q.name',
    count: 'sum(k.n)',
    since: 'min(k.created_at)',
    subject: `(array_agg(jsonb_build_object('worker', k.worker, 'turn', true, 'usual', k.usual) order by k.created_at))[1] ||
      jsonb_build_object('ids', (array_agg(k.id order by k.created_at))[1:100])`,
    extra: 'count(*)',
  })}
    from keeping k join simple_queue.lane l on l.id = k.lane join simple_queue.queue q on q.id = l.queue and q.paused_at is null
    group by q.name order by min(k.created_at) limit ${MOST_ROWS})
  union all
  (${row('WORKER_FAILING', {
    count: `count(distinct w.id)`,
    since: `(statement_timestamp() - max(f."silentMs") * interval '1 millisecond')`,
    subject: `jsonb_build_object('loop', f.loop, 'error', f.error, 'worker', min(w.worker))`,
  })}
    from live w cross join lateral jsonb_to_recordset(coalesce(w.about -> 'failing', '[]')) f (loop text, "silentMs" float8, error text)
    where f."silentMs" > ${FAILING_MS} group by f.loop, f.error order by max(f."silentMs") desc limit ${MOST_ROWS})
  union all
  (${row('WORKER_SILENT', { count: 'n', since: 'since', subject: 'worker', extra: 'case when keeper is not null then keeper when exists (select from live) then 0 else -1 end' })} from silent order by since limit ${MOST_ROWS})
  union all
  (${row('PAUSED_QUEUES', { queue: 'queue', count: 'sum(n)', since: 'min(paused_at)' })}
    from still where paused_at is not null group by queue order by min(paused_at) limit ${MOST_ROWS})
  union all
  (${row('BLOCKED_GROUPS', { queue: 'q.name', count: 'count(*)', since: 'min(h.dead_at)', subject: '(array_agg(h.dead::text order by h.dead_at))[1]', extra: 'bool_or(h.halts)::int' })}
    from (select queue, dead, dead_at, halts from simple_queue.head where dead is not null and shard = $1 order by dead_at limit $2::int + 1) h
    join simple_queue.queue q on q.id = h.queue group by q.name order by min(h.dead_at) limit ${MOST_ROWS})
  union all
  (${row('STUCK_WORKFLOWS', { count: 'count(*)', subject: some('w.id') })}
    from (select id from simple_queue.workflow where state = 'stuck' and shard = $1 order by id limit $2::int + 1) w having count(*) > 0)
  union all
  (${row('SUSPECTS', { queue: 'q.name', count: 'count(*)', since: 'min(s.run_at)', subject: some('s.id') })}
    from (select id, run_at from simple_queue.suspect where shard = $1 limit $2::int + 1) s
    cross join lateral (select queue from simple_queue.job where id = s.id and shard = $1 offset 0) j join simple_queue.queue q on q.id = j.queue group by q.name order by q.name limit ${MOST_ROWS})
  union all
  (${row('WORKFLOWS', { count: 'count(*)', since: 'min(w.created_at)', subject: some('w.id') })}
    from looked w where w.id in (select v.id from (${vanished('looked')}) v) having count(*) > 0)
  union all
  (${row('FAILED_WORKFLOWS', { queue: 'q.name', count: 'count(distinct w.id)', since: 'min(x.finished_at)', subject: `array_to_string((array_agg(distinct w.id::text))[1:5], ' ')` })}
    from (select queue, flow, finished_at from dead union all select queue, flow, finished_at from poisoned) x
    join simple_queue.queue q on q.id = x.queue
    join simple_queue.workflow w on w.id = x.flow and w.shard = $1 and w.state = 'failed' group by q.name order by count(*) desc limit ${MOST_ROWS})
  union all
  (${row('SCHEDULES', { count: 'count(*)', since: 'min(next_at)', subject: `to_json((array_agg(name order by next_at))[1:5])` })}
    from (select name, next_at from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at < statement_timestamp() - interval '5 minutes' order by next_at limit $2::int + 1) s
    having count(*) > 0)
  union all
  (${row('LIMITS', { queue: 'case when of_queue then name end', count: '1', subject: 'name', extra: `least(${HELD_MS}, 1e12) / 1000` })}
    from simple_queue.fleet_limit where shard = $1 and ${HELD_MS} > 60000 order by name limit ${MOST_ROWS})
  union all
  (${[
    ['LOST_JOBS', 'lost', 'created_at', 'true'],
    ['UNREADABLE_JOBS', 'poisoned', 'finished_at', 'unreadable and flow is null', POISONED],
    [
      'POISONED_JOBS',
      'poisoned',
      'finished_at',
      'not coalesce(unreadable, false) and flow is null',
      POISONED,
    ],
    [
      'DEAD_LETTERS',
      'dead',
      'finished_at',
      'flow is null',
      'count(*) filter (where dependent)',
      `concat_ws(' ', count(*) filter (where state <> 'expired'), count(*) filter (where uncommitted))`,
    ],
    ['EXPIRY_LATE', 'overdue', 'commit_by', 'true'],
    [
      'STAGED_JOBS',
      'uncommitted',
      'created_at',
      'true',
      `(select count(*) from overdue o where o.queue = x.queue) + (${DEPENDENTS})`,
    ],
  ]
    .map(
      ([code, from, since, where, beside = '0', subject = some('x.id')]) =>
        `${row(code!, { queue: 'q.name', count: 'count(*)', since: `min(x.${since})`, subject, extra: beside })}
    from ${from} x join simple_queue.queue q on q.id = x.queue where ${where} group by q.name, x.queue order by count(*) desc limit ${MOST_ROWS})`,
    )
    .join('\n  union all\n  (')}`,
);
