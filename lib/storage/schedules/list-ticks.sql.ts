import { statement } from '../connection/statement.js';
import { msOf } from './schedule-columns.sql.js';

/** The last ticks of a schedule, the latest time first; of all times, or from $4 to $5. */
export const LIST_TICKS = statement(
  'list_ticks',
  `select ${msOf('at')} as at, ${msOf('made_at')} as "madeAt", outcome, job as "jobId", times, code
  from simple_queue.tick
  where schedule = $2 and shard = $1 and at >= coalesce($4::timestamptz, '-infinity') and at <= coalesce($5::timestamptz, 'infinity')
  order by at desc limit $3`,
);
