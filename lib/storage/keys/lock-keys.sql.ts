import { statement } from '../connection/statement.js';

/**
 * Calls that may change the job of a key come one after another, until their transactions end: a waiting row that moves would else be
 * chased by each of them, round after round. In the order of the locks, so that two batches never deadlock. The queue's lock is shared,
 * and stands for all of its keys where a batch has too many of them for the server's table of locks.
 */
export const LOCK_KEYS = statement(
  'lock_keys',
  `select pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.keys:' || $1::int::text, 0))
  union all
  select pg_advisory_xact_lock(k.lock) from (
    select distinct pg_catalog.hashtextextended('simple_queue.key:' || $1::int::text || ':' || u.unique_key, 0) as lock
    from pg_catalog.unnest($2::text[]) u(unique_key) order by 1) k`,
);

export const LOCK_ALL_KEYS = statement(
  'lock_all_keys',
  `select pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.keys:' || $1::int::text, 0))`,
);
