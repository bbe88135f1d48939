import { statement } from '../statement.js';

/**
 * Which of these ids stand in archive or dead letter: ids that callers chose are remembered as long as those are kept.
 * `offset 0` keeps a planner from reading all that is kept into a hash.
 */
export const FIND_ENDED_IDS = statement(
  'find_ended_ids',
  `select u.id from unnest($2::uuid[]) u(id)
  where exists (select from simple_queue.archive a where a.id = u.id and a.shard = $1 offset 0)
     or exists (select from simple_queue.dead_letter d where d.id = u.id and d.shard = $1 offset 0)`,
);
