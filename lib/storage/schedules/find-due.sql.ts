import { statement } from '../connection/statement.js';
import { LIVE_JOBS, msOf, SCHEDULE_COLUMNS } from './schedule-columns.sql.js';

/**
 * At most 100 schedules whose time has come, the longest due first, and as many whose next waiting tick may go on; when the next one is due, and
 * whether ticks wait. One look along two small indexes: without schedules it reads an empty one. It locks nothing, since Node.js computes
 * next.
 */
export const FIND_DUE_SCHEDULES = statement(
  'find_due_schedules',
  `select ${msOf('statement_timestamp()')} as now,
    (select ${msOf('next_at')} from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at > '-infinity' order by next_at limit 1) as "soonest",
    exists (select from simple_queue.schedule where shard = $1 and waiting > 0) as waits, d.*
  from (values (1)) one left join lateral (
    (select ${SCHEDULE_COLUMNS}, null::float8 as "waitingAt" from simple_queue.schedule s
      where s.shard = $1 and s.paused_at is null and s.next_at <= statement_timestamp() order by s.next_at limit 100)
    union all
    (select ${SCHEDULE_COLUMNS}, (select ${msOf('min(at)')} from simple_queue.tick t
        where t.schedule = s.name and t.shard = $1 and t.outcome = 'waiting') as "waitingAt" from simple_queue.schedule s
      where s.shard = $1 and s.waiting > 0 and s.paused_at is null and not exists (${LIVE_JOBS}) limit 100)) d on true`,
);
