import { statement } from '../connection/statement.js';
import { LIVE_JOBS, msOf, SCHEDULE_COLUMNS } from './schedule-columns.sql.js';

/**
 * At most 100 schedules whose time has come, the longest due first, and as many whose next waiting tick may go on; when the next one is due, and
 * whether ticks wait. One look along two small indexes: without schedules it reads an empty one. It locks nothing, since Node.js computes
 * next: the first $2 and $3 of both, which nobody could move, are passed. One whose waiting ticks are gone has -Infinity. The order is that of the index, or a planner that knows nothing of the
 * table walks all schedules for those that wait.
 */
export const FIND_DUE_SCHEDULES = statement(
  'find_due_schedules',
  `select ${msOf('statement_timestamp()')} as now,
    (select ${msOf('next_at')} from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at > '-infinity' order by next_at limit 1) as "soonest",
    (select waiting from simple_queue.schedule where shard = $1 and waiting > 0 order by waiting desc limit 1) is not null as waits, d.*
  from (values (1)) one left join lateral (
    (select ${SCHEDULE_COLUMNS}, null::float8 as "waitingAt" from simple_queue.schedule s
      where s.shard = $1 and s.paused_at is null and s.next_at <= statement_timestamp() order by s.next_at offset $2::int limit 100)
    union all
    (select ${SCHEDULE_COLUMNS}, coalesce((select ${msOf('min(at)')} from simple_queue.tick t
        where t.schedule = s.name and t.shard = $1 and t.outcome = 'waiting'), '-infinity') as "waitingAt"
      from (select * from simple_queue.schedule where shard = $1 and waiting > 0 order by waiting desc offset 0) s
      where s.paused_at is null and not exists (${LIVE_JOBS}) offset $3::int limit 100)) d on true`,
);
