import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';

/** A page of what runs in some lanes ($2), by id. What runs is bounded by the fleet's concurrency, so it is read along the claims. */
export const LIST_RUNNING = statement(
  'list_running',
  `select j.id from ${IN_CLAIMS}
  ${fenced('id, lane', 'offset 0')}
  where c.shard = $1 and j.lane = any($2::int[]) and j.id > $3::uuid order by j.id limit $4::int`,
);
