import { statement } from '../connection/statement.js';
import { msOf, SCHEDULE_COLUMNS } from './schedule-columns.sql.js';

/** The database's time is beside each, and what became of its last time. */
const SCHEDULES = `select ${SCHEDULE_COLUMNS}, ${msOf('statement_timestamp()')} as now,
    (select t.outcome from simple_queue.tick t where t.schedule = s.name and t.shard = $1 order by t.at desc limit 1) as "lastOutcome"
  from simple_queue.schedule s where s.shard = $1`;

/** By name: apart from the list, which walks all names before it. */
export const FIND_SCHEDULES = statement(
  'find_schedules',
  `${SCHEDULES} and s.name = any($2::text[])`,
);

/** Of an owner ($2, null: of all) behind the name $3, in the order of their names. */
export const LIST_SCHEDULES = statement(
  'list_schedules',
  `${SCHEDULES} and ($2::text is null or s.owner = $2) and s.name > $3::text
  order by s.name limit $4`,
);
