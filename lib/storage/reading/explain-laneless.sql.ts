import { statement } from '../connection/statement.js';

/** The lane of a job that has no lane, since somebody has deleted the lane's row; the number and the name of its queue where they are known. By the job's id alone. */
export const EXPLAIN_LANELESS = statement(
  'explain_laneless',
  `select j.lane, j.queue, (select name from simple_queue.queue q where q.id = j.queue) as name from (
    select lane, queue from simple_queue.job where id = $2::uuid and shard = $1 union all
    select lane, null from simple_queue.dead_letter where id = $2::uuid and shard = $1 union all
    select lane, null from simple_queue.archive where id = $2::uuid and shard = $1) j
  where not exists (select from simple_queue.lane l where l.id = j.lane) limit 1`,
);
