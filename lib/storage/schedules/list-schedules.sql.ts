import { statement } from '../connection/statement.js';
import { msOf, SCHEDULE_COLUMNS } from './schedule-columns.sql.js';

/** By name ($2), or of an owner ($3, null: of all) behind the name $4, in the order of their names. The database's time is beside each, and what became of its last time. */
export const LIST_SCHEDULES = statement(
  'list_schedules',
  `select ${SCHEDULE_COLUMNS}, ${msOf('statement_timestamp()')} as now,
    (select t.outcome from simple_queue.tick t where t.schedule = s.name and t.shard = $1 order by t.at desc limit 1) as "lastOutcome"
  from simple_queue.schedule s
  where s.shard = $1 and ($2::text[] is null or s.name = any($2)) and ($3::text is null or s.owner = $3) and s.name > $4::text
  order by s.name limit $5`,
);
