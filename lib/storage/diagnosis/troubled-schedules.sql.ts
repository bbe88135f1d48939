import { statement } from '../connection/statement.js';
import { IS_DECLARED } from '../schedules/schedule-columns.sql.js';

/**
 * Up to $2 schedules of each kind: those that have no next time, and declared ones that no worker declares while workers live.
 * The table is as small as the number of schedules.
 */
export const TROUBLED_SCHEDULES = statement(
  'troubled_schedules',
  `select array(select name from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at is null order by name limit $2) as ended,
    array(select name from simple_queue.schedule s
      where s.shard = $1 and s.declared
        and not ${IS_DECLARED}
        and exists (select from simple_queue.lease l where l.shard = $1 and not l.lone and l.expires_at > statement_timestamp())
      order by s.name limit $2) as undeclared,
    (select count(*) from (select 1 from simple_queue.schedule where shard = $1 limit $2) s)::int as schedules`,
);
