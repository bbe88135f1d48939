import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';

/**
 * A page of what runs in some lanes ($2, null: all), of one worker ($5) or all, by id. What runs is bounded by the fleet's concurrency, so it is read along
 * the claims, which are sorted first: jobs are looked up in their order, until the page is full.
 */
export const LIST_RUNNING = statement(
  'list_running',
  `select u.id from (
    select u.id, u.epoch from ${IN_CLAIMS}
    where c.shard = $1 and ($5::text is null or c.lease in (select id from simple_queue.lease where shard = $1 and worker = $5))
      and u.id > $3::uuid order by u.id offset 0) u
  ${fenced('lane', 'offset 0')}
  where $2::int[] is null or j.lane = any($2::int[]) order by u.id limit $4::int`,
);
