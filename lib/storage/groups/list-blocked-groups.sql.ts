import { statement } from '../connection/statement.js';

/**
 * Ordered groups that a dead job blocks, the longest blocked first: of all queues ($2 null) or one, at most $3. `waiting` is counted to 1,000,
 * along the key that the group's turns have.
 */
export const LIST_BLOCKED_GROUPS = statement(
  'list_blocked_groups',
  `select q.name as queue, h.group_name as "group", h.dead as job, h.dead_at as since, h.dead_until as until, h.halts,
    (select count(*) from (select from simple_queue.blocked b
      where b.group_name = h.group_name and b.shard = $1 and b.queue = h.queue limit 1001) w)::int as waiting
  from (
    select * from simple_queue.head
    where dead is not null and shard = $1 and ($2::text is null or queue = (select id from simple_queue.queue where name = $2))
    order by dead_at limit $3::int) h
  join simple_queue.queue q on q.id = h.queue order by h.dead_at, q.name, h.group_name`,
);

/** Queues in which a dead job blocks a group: how many groups, counted to $2 in all, and since when. For probes: one walk of a narrow index. */
export const COUNT_BLOCKED_GROUPS = statement(
  'count_blocked_groups',
  `select q.name as queue, count(*)::int as groups, min(h.dead_at) as since
  from (select queue, dead_at from simple_queue.head where dead is not null and shard = $1 order by dead_at limit $2::int) h
  join simple_queue.queue q on q.id = h.queue group by q.name order by min(h.dead_at)`,
);
