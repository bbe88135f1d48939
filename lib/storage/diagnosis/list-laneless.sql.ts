import { statement } from '../connection/statement.js';

/** Jobs whose lane somebody has deleted, which no worker takes: among the $2 with the lowest ids, and as many dead letters. */
export const LIST_LANELESS = statement(
  'list_laneless',
  `select j.lane, j.queue, (select name from simple_queue.queue q where q.id = j.queue) as name, count(*)::int as jobs, min(j.id::text) as id from (
    (select id, lane, queue from simple_queue.job where shard = $1 order by id limit $2::int) union all
    (select id, lane, null from simple_queue.dead_letter where shard = $1 limit $2::int)) j
  where not exists (select from simple_queue.lane l where l.id = j.lane) group by 1, 2 order by 1, 2 limit 10`,
);
