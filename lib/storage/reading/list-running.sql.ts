import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';

/** A page of what runs in some lanes ($2, null: all), of one worker ($5) or all, by id. What runs is bounded by the fleet's concurrency, so it is read along the claims. */
export const LIST_RUNNING = statement(
  'list_running',
  `select j.id from ${IN_CLAIMS}
  ${fenced('id, lane', 'offset 0')}
  where c.shard = $1 and ($5::text is null or c.lease in (select id from simple_queue.lease where shard = $1 and worker = $5))
    and ($2::int[] is null or j.lane = any($2::int[])) and j.id > $3::uuid order by j.id limit $4::int`,
);
