import { statement } from '../connection/statement.js';

/** Which of these keys have a period that is not over, and the job that opened it. */
export const FIND_PERIODS = statement(
  'find_periods',
  `select u.position, t.job as id
  from unnest($2::int[], $3::int[], $4::text[]) u(position, queue, unique_key)
  cross join lateral (
    select job, ends_at from simple_queue.throttle where unique_key = u.unique_key and shard = $1 and queue = u.queue offset 0) t
  where t.ends_at > statement_timestamp()`,
);

/**
 * Opens a period for each of these jobs; a period that is not over stays, and its job's rival is not returned. A rival's row that is not
 * committed is waited for. Sorted by the caller, as the jobs were.
 */
export const OPEN_PERIODS = statement(
  'open_periods',
  `insert into simple_queue.throttle as t (unique_key, shard, queue, job, ends_at)
  select u.unique_key, $1, u.queue, u.job, statement_timestamp() + u.period_ms * interval '1 millisecond'
  from unnest($2::int[], $3::text[], $4::uuid[], $5::float8[]) u(queue, unique_key, job, period_ms)
  on conflict (unique_key, shard, queue) do update set job = excluded.job, ends_at = excluded.ends_at
    where t.ends_at <= statement_timestamp()
  returning job as id`,
);

/** Periods that are over, in bounded batches. */
export const PURGE_PERIODS = statement(
  'purge_periods',
  `with gone as (
    delete from simple_queue.throttle where shard = $1 and ctid = any(array(
      select ctid from simple_queue.throttle where shard = $1 and queue > 0 and ends_at < statement_timestamp()
      order by ends_at limit 1000 for update skip locked)) returning 1)
  select count(*)::int as gone from gone`,
);
