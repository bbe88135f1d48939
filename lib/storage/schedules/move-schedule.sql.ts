import { statement } from '../connection/statement.js';
import { isMoment } from './schedule-columns.sql.js';

/** Pauses a schedule ($3), or lets it go on from the time $4 where its next time is still $5. */
export const MOVE_SCHEDULE = statement(
  'move_schedule',
  `update simple_queue.schedule set paused_at = case when $3 then coalesce(paused_at, statement_timestamp()) end,
    next_at = case when $3 then next_at else $4::timestamptz end
  where name = $2 and shard = $1 and ($3 or next_at is not distinct from $5::timestamptz or ${isMoment('next_at', '$5')}) returning name`,
);
