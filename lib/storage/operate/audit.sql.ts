import { statement } from '../connection/statement.js';

/** An act that begins; whatever becomes of it, who began it is known. */
export const BEGIN_ACT = statement(
  'begin_act',
  `insert into simple_queue.operator_action (id, shard, actor, action, selector) values ($2, $1, $3, $4, $5)`,
);

/** What became of it: counts, or the code of what went wrong. By its key. */
export const END_ACT = statement(
  'end_act',
  `update simple_queue.operator_action set counts = $3, failed = $4, ended_at = statement_timestamp() where id = $2 and shard = $1`,
);

/** Acts, the newest first, behind that of id $6; of one actor, action, queue, or since a time. The janitor bounds how many there are. */
export const LIST_ACTS = statement(
  'list_acts',
  `select id, at, actor, action, selector, counts, failed, ended_at as "endedAt" from simple_queue.operator_action
  where shard = $1 and ($2::text is null or actor = $2) and ($3::text is null or action = $3)
    and ($4::text is null or selector ->> 'queue' = $4) and at >= coalesce($5::timestamptz, '-infinity')
    and ($6::uuid is null or (at, id) < (select at, id from simple_queue.operator_action where id = $6 and shard = $1))
  order by at desc, id desc limit $7`,
);

/** Lets at most 1,000 acts go that are older than $2 milliseconds, or beyond the newest $3. */
export const PURGE_ACTS = statement(
  'purge_acts',
  `with old as materialized (
    select ctid from simple_queue.operator_action
    where shard = $1 and at < greatest(statement_timestamp() - $2::float8 * interval '1 millisecond',
      (select at from simple_queue.operator_action where shard = $1 order by at desc offset $3 limit 1))
    order by at limit 1000 for update skip locked),
  gone as (delete from simple_queue.operator_action where shard = $1 and ctid = any(array(select ctid from old)) returning 1)
  select count(*)::int as purged from gone`,
);

/**
 * Who acts on what was seen of $1 looks and acts before the next one looks, whatever process asks. Acts take longer than what loops do: who waits
 * has the time of a statement, and who holds it ten minutes.
 */
export const LOCK_SEEN = statement(
  'lock_seen',
  `select set_config('lock_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '10min', true),
    pg_advisory_xact_lock(hashtextextended('simple_queue.seen:' || $1::text, 0))`,
);
