import { statement } from '../connection/statement.js';
import { WAITING, ofLane, type WaitingPlace } from '../places/places.sql.js';

const TIMES = 'run_at >= l.since and run_at <= l.upto';

/** Of each place, what follows the lane in its index, between bounds that hold everything. */
const RANGES: Readonly<Record<WaitingPlace, string>> = {
  ready: `priority >= l.least and priority <= l.most and ${TIMES}`,
  fair_ready: `group_name >= ''`,
  suspect: TIMES,
  scheduled: TIMES,
  blocked: 'seq >= l.first and seq <= l.last',
  keyed: TIMES,
  staged: 'epoch >= l.lowest and epoch <= l.highest',
};

/**
 * Enqueues under a limit come one after another until their transactions end, so that each counts what the ones before it stored. Only in
 * READ COMMITTED does the count that follows see that; elsewhere nothing is locked, and the caller refuses.
 */
export const LOCK_PENDING = statement(
  'lock_pending',
  `select level, case when level in ('read committed', 'read uncommitted')
    then pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.pending:' || $1::int::text, 0))::text end
  from current_setting('transaction_isolation') level`,
);

/** From this limit on the count of a queue far from it holds for a while. */
export const LEAST_WITH_HEADROOM = 2_000;
/** Free places of which it is worth giving out half. */
const WORTH = 1_000;
/** What comes in without a limit, or comes back, is seen after this time. */
const HOLDS = "interval '1 second'";

/** Takes $4 places of those that the last count left free, under the lock: nothing has to be counted. The lane $5 has to be known, as below. */
export const TAKE_HEADROOM = statement(
  'take_headroom',
  `update simple_queue.headroom set free = free - $4::int
  where queue = $2::int and shard = $1 and most = $3::int and free >= $4::int and counted_at > statement_timestamp() - ${HOLDS}
    and exists (select from simple_queue.lane where id = $5::int and unused_at is null)
  returning 1`,
);

/**
 * How many jobs of a queue wait, counted no further than $3: through the lanes' own keys, whatever else the tables hold. And whether lane $4
 * is known. Of what is free behind the $5 jobs that come, the next ones may take half without a count.
 *
 * It runs in callers' transactions, under their settings: there a planner that believes one lane to fill a table walks all of it, once a
 * lane. Ranges that hold everything, and of which it cannot know that, keep it to the keys.
 */
export const COUNT_PENDING = statement(
  'count_pending',
  `with l as materialized (
    select id, (-32768)::smallint as least, 32767::smallint as most, '-infinity'::timestamptz as since, 'infinity'::timestamptz as upto,
      0::bigint as first, 9223372036854775807 as last, 0 as lowest, 2147483647 as highest
    from simple_queue.lane where queue = $2::int),
  p as materialized (select count(*)::int as pending from (
    select from l cross join lateral (
      ${WAITING.map((place) => `(select from ${ofLane(place, 'l.id')} and ${RANGES[place]} limit $3::int)`).join(' union all\n      ')}) w
    limit $3::int) w),
  given as (
    insert into simple_queue.headroom (queue, shard, most, free, counted_at)
    select $2::int, $1, $3::int, case when $3::int - pending - $5::int >= ${WORTH} then ($3::int - pending - $5::int) / 2 else 0 end, statement_timestamp()
    from p where $3::int >= ${LEAST_WITH_HEADROOM}
    on conflict (queue, shard) do update set most = excluded.most, free = excluded.free, counted_at = excluded.counted_at
      where headroom.free > 0 or excluded.free > 0)
  select pending, exists (select from simple_queue.lane where id = $4::int and unused_at is null) as known from p`,
);
