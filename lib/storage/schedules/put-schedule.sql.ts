import { statement } from '../connection/statement.js';
import { isMoment } from './schedule-columns.sql.js';

/**
 * Makes a schedule, or changes the one that its caller has read ($9 its hash, $10 its next time): whoever read another one reads again.
 * No answer: that happened, or it is another owner's. A change moves the schedule to its new next time, so what an older process computed
 * matches nothing.
 */
export const PUT_SCHEDULE = statement(
  'put_schedule',
  `insert into simple_queue.schedule as s (name, shard, owner, spec, payload, hash, declared, seen_by, next_at)
  values ($2, $1, $3, $4::jsonb, $5::json, $6, $7, $11::uuid, $8::timestamptz)
  on conflict (name, shard) do update set spec = excluded.spec, payload = excluded.payload, hash = excluded.hash,
    declared = excluded.declared, seen_by = excluded.seen_by, next_at = excluded.next_at
  where s.owner = excluded.owner and s.hash = $9 and (s.next_at is not distinct from $10::timestamptz or ${isMoment('s.next_at', '$10')})
  returning s.name`,
);
