import { statement } from '../connection/statement.js';

/**
 * How these jobs have ended, all waited-for ones in one statement and one snapshot: a live job returns its queue and how far it has come, an
 * ended one its state, an unknown one neither. Live wins over an ended job of the same id. What is live costs two looks by key: the
 * partitions of archive and dead letter are only looked into for what is not.
 */
export const FIND_ENDS = statement(
  'find_ends',
  `select u.id::text as id, l.queue, e.state, e.output, e.last_error, coalesce(l.progress, e.progress) as progress
  from unnest($2::uuid[]) u(id)
  left join lateral (
    select (select q.name from simple_queue.queue q where q.id = j.queue) as queue, j.progress
    from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0) l on true
  left join lateral (
    select state, output, last_error, progress from (
      select state, output, last_error, progress, finished_at from simple_queue.archive a where a.id = u.id and a.shard = $1 and l.queue is null
      union all
      select state, output, last_error, progress, finished_at from simple_queue.dead_letter d where d.id = u.id and d.shard = $1 and l.queue is null) s
    order by finished_at desc limit 1) e on true`,
);
