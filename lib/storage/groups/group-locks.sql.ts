/** Locks of a call in the server's table, which has room for 64 a connection by default; the rest is for tables and indexes. */
export const MAX_LOCKS = 32;

const QUEUE = `pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0)`;
const GROUP = `pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0)`;

/**
 * Two members of a `with`, of which `locked` holds back whoever else enqueues to these ordered groups until the transaction ends: in one
 * order for all, the queue's own lock first. A few groups are locked each, and share the queue's; of a queue with many of them the whole
 * is locked instead. `groups` returns distinct rows of `queue` and `group_name`.
 */
export const lockedGroups = (groups: string): string => `sized as materialized (
    select queue, group_name, count(*) over (partition by queue) as size from (${groups}) g),
  locked as materialized (
    select case when size > ${MAX_LOCKS} then pg_advisory_xact_lock(${QUEUE})::text else pg_advisory_xact_lock_shared(${QUEUE})::text end
    from (select distinct queue, size from sized order by queue) q
    union all
    select pg_advisory_xact_lock(key)::text from (
      select distinct ${GROUP} as key from sized where size <= ${MAX_LOCKS} order by 1) k)`;

const locks = (kind: string, between: string): string =>
  `pg${kind}_advisory_xact_lock_shared(${QUEUE})${between} pg${kind}_advisory_xact_lock(${GROUP})`;

/** Without waiting: for a row of `queue` and `group_name`. */
export const TRY_GROUP = `(${locks('_try', ' and')})`;

/** Behind whoever has them, as enqueues wait. */
export const WAIT_GROUP = locks('', ',');
