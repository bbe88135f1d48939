import { statement } from '../connection/statement.js';

/** What an operator should look at, counted up to $2: live workers, paused queues, and rows that the default partitions hold. */
export const COUNT_TROUBLES = statement(
  'count_troubles',
  `select (select count(*) from simple_queue.lease where shard = $1 and expires_at > statement_timestamp())::int as workers,
    (select count(*) from simple_queue.lease where shard = $1 and expires_at > statement_timestamp() and cardinality(lanes) >= 10000)::int as "fullWorkers",
    array(select name from simple_queue.queue where paused_at is not null order by paused_at limit 100) as paused,
    (select (extract(epoch from statement_timestamp() - min(paused_at)) * 1000)::float8 from simple_queue.queue) as "pausedMs",
    (select count(*) from (select 1 from simple_queue.archive_default where shard = $1 limit $2::int + 1) a)::int as "archiveDefault",
    (select count(*) from (select 1 from simple_queue.dead_letter_default where shard = $1 limit $2::int + 1) d)::int as "deadLetterDefault"`,
);

/** Jobs that wait to run apart or alone, by queue, counted up to $2 in all. */
export const COUNT_SUSPECTS = statement(
  'count_suspects',
  `select q.name as queue, count(*)::int as jobs, max(s.suspicion)::int as suspicion
  from (select lane, suspicion from simple_queue.suspect where shard = $1 limit $2::int) s
  join simple_queue.lane l on l.id = s.lane join simple_queue.queue q on q.id = l.queue group by q.name order by q.name`,
);

/** Jobs that were poisoned within a day, by queue: among the newest $2 dead letters of each lane. */
export const COUNT_POISONED = statement(
  'count_poisoned',
  `select q.name as queue, count(*)::int as jobs from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  cross join lateral (
    select state, finished_at from simple_queue.dead_letter where lane = l.id and shard = $1 order by id desc limit $2::int) d
  where d.state = 'poisoned' and d.finished_at > statement_timestamp() - interval '1 day' group by q.name order by q.name`,
);
