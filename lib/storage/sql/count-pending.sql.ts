import { statement } from '../statement.js';

/**
 * Enqueues under a limit come one after another until their transactions end, so that each counts what the ones before it stored. Only in
 * READ COMMITTED does the count that follows see that; elsewhere nothing is locked, and the caller refuses.
 */
export const LOCK_PENDING = statement(
  'lock_pending',
  `select level, case when level in ('read committed', 'read uncommitted')
    then pg_advisory_xact_lock(hashtextextended('simple_queue.pending:' || $1::int, 0))::text end
  from current_setting('transaction_isolation') level`,
);

/** How many jobs of a queue wait, counted no further than $3: through the lanes' own keys, whatever else the tables hold. */
export const COUNT_PENDING = statement(
  'count_pending',
  `select count(*)::int as pending from (
    select from (select id from simple_queue.lane where queue = $2::int) l
    cross join lateral (
      (select from simple_queue.ready where lane = l.id and shard = $1 limit $3::int) union all
      (select from simple_queue.scheduled where lane = l.id and shard = $1 limit $3::int) union all
      (select from simple_queue.suspect where lane = l.id and shard = $1 limit $3::int)) w
    limit $3::int) p`,
);
