import { statement } from '../connection/statement.js';
import { placed } from '../places/places.sql.js';
import { after, FIRST_MS, fitting } from './buckets.sql.js';
import { sameKey } from './same-key.sql.js';

/** Of one key, and in all, in one statement. */
const MOST = 500;
const MOST_JOBS = 1_000;
const MOST_CHANGES = 200;
/** What somebody holds locked, or another process has taken at this moment, is looked at again after so many milliseconds. */
const LOCKED_MS = 50;
/** Slots of keys that have no limit on how many run at once lie above those of any that has one. */
const UNLIMITED = 1_000_000;

/** What is due later is there already where it has been asked for: nobody has taken it meanwhile. */
const SOON_MS = 1_000;

const MS = `interval '1 millisecond'`;

/**
 * Hands permits on in keys in which something has changed: to as many waiting jobs as there are free slots, the most urgent first, and as starts of
 * the rate conform, if rates are obeyed ($2). Nothing is locked but rows that are passed by if somebody else holds them: a slot is taken by an insert, whose unique index
 * decides between two processes that see the same one free, and the bucket of a rate by an update that finds it as it was seen. So a count that is
 * too old costs another look, never a permit too many.
 *
 * `in (...) is true` is a look into a hash, which no planner turns into a join of two lists.
 *
 * What ends is seen only after its commit, with the change that it leaves: a change that is taken here is older than the snapshot, so the slot that
 * it names is seen free, and so is a job that came: a key in which none waits is done with. A key whose jobs could have had more, or whose next start lies
 * ahead, is looked at again. The place of a job that somebody has deleted goes: it would be the first for ever.
 * A key whose starts are used up has one look at its next start, however often it was asked for: at a microsecond that few others have.
 */
export const HAND_PERMITS = statement(
  'hand_permits',
  `with page as materialized (
    select ctid from simple_queue.key_change where shard = $1 and due_at <= statement_timestamp()
    order by due_at limit ${MOST_CHANGES} for update skip locked),
  taken as (
    delete from simple_queue.key_change where shard = $1 and ctid = any(array(select ctid from page)) returning limit_key, queue),
  waiting as materialized (
    select t.limit_key, t.queue from (select distinct limit_key, queue from taken) t
    cross join lateral (select from simple_queue.keyed where ${sameKey('t')} limit 1) w),
  rule as materialized (
    select q.queue, l.* from (select distinct queue from waiting) q
    left join lateral (
      select concurrency, case when $2::boolean then rate end as rate, case when $2 then step_ms end as step_ms, burst from simple_queue.fleet_limit
      where name = (select name from simple_queue.queue where id = q.queue) || '/*' and shard = $1) l on true),
  asked as materialized (
    select t.limit_key, l.*, h.held, case when l.concurrency is null then ${MOST} else least(${MOST}, greatest(0, l.concurrency - h.held)) end::int as permits
    from waiting t join rule l on l.queue = t.queue
    cross join lateral (
      select count(*)::int as held from (select from simple_queue.permit where l.concurrency is not null and ${sameKey('t')} and slot >= 0 offset 0) p) h),
  room as materialized (
    select a.*, b.seen, r.first_ms, r.starts, least(a.permits, r.starts)::int as most, case when a.held > 0 then array(
        select s.n from pg_catalog.generate_series(0, a.held + least(a.permits, r.starts) - 1) s(n)
        except select slot from simple_queue.permit where ${sameKey('a')} and slot >= 0 order by 1 limit least(a.permits, r.starts)) end as slots
    from asked a
    cross join lateral (select case when a.rate is not null then (select next_at from simple_queue.key_bucket where ${sameKey('a')}) end as seen) b
    cross join lateral (
      select ${FIRST_MS} as first_ms, case when a.rate is null then ${MOST}
          else ${fitting(0)} end as starts
      from (select coalesce(b.seen, statement_timestamp()) as next_at, a.step_ms as step_ms, a.burst as burst) k) r),
  candidate as materialized (
    select r.*, k.*, j.id as had
    from room r cross join lateral (
      select ctid as place, id, priority, run_at from simple_queue.keyed
      where ${sameKey('r')} order by priority, run_at, id limit r.most for update skip locked) k
    left join lateral (
      select id from simple_queue.job where id = k.id and shard = $1 limit 1 for update skip locked) j on true
    limit ${MOST_JOBS}),
  first as materialized (
    select *, row_number() over (partition by limit_key, queue order by priority, run_at, id) as n,
      count(*) over (partition by limit_key, queue) as jobs
    from candidate where had is not null),
  charged as (
    insert into simple_queue.key_bucket as b (limit_key, shard, queue, next_at)
    select f.limit_key, $1, f.queue, c.next_at from first f
    cross join lateral (
      select ${after('f.jobs')} as next_at
      from (select coalesce(f.seen, statement_timestamp()) as next_at, f.step_ms as step_ms, f.burst as burst) k) c
    where f.rate is not null and f.n = 1 order by f.limit_key, f.queue
    on conflict (limit_key, shard, queue) do update set next_at = excluded.next_at
      where b.next_at = (select seen from room where limit_key = b.limit_key and queue = b.queue)
    returning limit_key, queue),
  granted as (
    insert into simple_queue.permit (id, shard, limit_key, queue, slot)
    select f.id, $1, f.limit_key, f.queue, case when f.concurrency is null then ${UNLIMITED} + pg_catalog.nextval('simple_queue.turn')
      when f.held = 0 then f.n - 1 else f.slots[f.n] end
    from first f
    where (select count(*) from charged) is not null and (f.rate is null or ((f.limit_key, f.queue) in (select limit_key, queue from charged)) is true)
    order by f.limit_key, f.queue, f.n
    on conflict do nothing
    returning id, limit_key, queue),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1 and ctid = any(array(
      select f.place from first f where (f.id in (select id from granted)) is true
      union all
      select c.place from candidate c where had is null and not exists (select from simple_queue.job where id = c.id and shard = $1 offset 0)))),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from granted)) returning id, lane, priority, run_at, epoch, suspicion, group_name, fair),
  ${placed('moved', ['suspect', 'fair_ready', 'ready'])},
  got as materialized (
    select limit_key, queue, sum(jobs)::int as jobs, max(concurrency) as concurrency, max(held) as held, max(starts) as starts,
      max(first_ms) as first_ms, max(step_ms) as step_ms, max(start_at) as start_at
    from (
      select limit_key, queue, 0 as jobs, concurrency, held, starts, first_ms, step_ms, seen - (burst - 1) * step_ms * ${MS} as start_at from room union all
      select limit_key, queue, 1, null, null, null, null, null, null from granted) u
    group by limit_key, queue),
  open as materialized (
    select g.limit_key, g.queue, case when g.starts = 0 then g.first_ms
        else greatest(case when g.jobs = 0 then ${LOCKED_MS} else 0 end, coalesce(g.first_ms + g.jobs * g.step_ms, 0)) end as ms,
      case when g.starts = 0 and g.first_ms > ${SOON_MS} then g.start_at + (pg_catalog.hashtext(g.limit_key) & 1023) * interval '1 microsecond' end as at
    from got g
    where (g.concurrency is null or g.jobs < g.concurrency - g.held)
      and (select count(*) from (select from simple_queue.keyed where ${sameKey('g')} limit g.jobs + 1) w) > g.jobs),
  again as (
    insert into simple_queue.key_change (shard, due_at, limit_key, queue)
    select $1, coalesce(at, statement_timestamp() + ms * ${MS}), limit_key, queue from open o
    where at is null or not exists (
      select from simple_queue.key_change where due_at = o.at and ${sameKey('o')} offset 0))
  select (select count(*) from page)::int as looked, array(select distinct lane from moved) as lanes,
    exists (select from moved where fair) as fair, exists (select from moved where suspicion > 0) as suspects,
    case when (select count(*) from page) = ${MOST_CHANGES} then 0 else least((select min(ms) from open), (
      select extract(epoch from due_at - statement_timestamp()) * 1000 from simple_queue.key_change
      where shard = $1 and due_at > statement_timestamp() order by due_at limit 1)) end::float8 as "nextMs"`,
);

/** The next key behind this one with jobs that wait: two probes, however many wait in this one. */
const nextKey = (key: string, queue: string): string => `
      (select limit_key, queue from simple_queue.keyed where limit_key = ${key} and shard = $1 and queue > ${queue} order by queue limit 1)
      union all
      (select limit_key, queue from simple_queue.keyed where limit_key > ${key} and shard = $1 order by limit_key, queue limit 1)
      limit 1`;

/**
 * A page of at most $2 keys behind $3 and $4 in which jobs wait: they are looked at once more. For a limit that has another word now, and for what a
 * change may have been lost of.
 */
export const ASK_KEYS = statement(
  'ask_keys',
  `with recursive hop(limit_key, queue, n) as (
    select k.*, 1 from (${nextKey('$3::text', '$4::int')}) k
    union all
    select k.*, h.n + 1 from hop h cross join lateral (${nextKey('h.limit_key', 'h.queue')}) k where h.n < $2::int),
  asked as (
    insert into simple_queue.key_change (shard, limit_key, queue) select $1, limit_key, queue from hop)
  select limit_key as key, queue, n from hop order by n desc limit 1`,
);

/** Buckets that are full say nothing: at most 1,000 of them go. */
export const PURGE_BUCKETS = statement(
  'purge_buckets',
  `with gone as (
    delete from simple_queue.key_bucket where shard = $1 and ctid = any(array(
      select ctid from simple_queue.key_bucket where shard = $1 and next_at < statement_timestamp() - interval '1 minute'
      order by next_at limit 1000 for update skip locked)) returning 1)
  select count(*)::int as gone from gone`,
);
