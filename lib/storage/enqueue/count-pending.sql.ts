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

/**
 * How many jobs of a queue wait, counted no further than $3: through the lanes' own keys, whatever else the tables hold. And whether lane $4
 * is known.
 *
 * It runs in callers' transactions, under their settings: there a planner that believes one lane to fill a table walks all of it, once a
 * lane. Ranges that hold everything, and of which it cannot know that, keep it to the keys.
 */
export const COUNT_PENDING = statement(
  'count_pending',
  `with l as materialized (
    select id, (-32768)::smallint as least, 32767::smallint as most, '-infinity'::timestamptz as since, 'infinity'::timestamptz as upto,
      0::bigint as first, 9223372036854775807 as last, 0 as lowest, 2147483647 as highest
    from simple_queue.lane where queue = $2::int)
  select count(*)::int as pending, exists (select from simple_queue.lane where id = $4::int and unused_at is null) as known from (
    select from l cross join lateral (
      ${WAITING.map((place) => `(select from ${ofLane(place, 'l.id')} and ${RANGES[place]} limit $3::int)`).join(' union all\n      ')}) w
    limit $3::int) p`,
);
