import { statement } from '../../storage/connection/statement.js';

/** What waits or runs, by queue and state, and when the first of it is due. */
export const COUNT_WAITING = statement(
  'count_waiting',
  `select j.queue, j.state, count(*)::int as jobs, q.paused_at is not null as paused,
    greatest(0, extract(epoch from min(j.run_at) - statement_timestamp()) * 1000)::float8 as "dueInMs"
  from simple_queue.jobs j cross join lateral (select paused_at from simple_queue.queue where name = j.queue) q
  where j.finished_at is null and ($1::text is null or j.queue = $1) and ($2::text is null or j.name = $2)
  group by j.queue, j.state, paused order by j.queue, j.state limit 20`,
);
