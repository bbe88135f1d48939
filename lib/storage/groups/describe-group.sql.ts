import { statement } from '../connection/statement.js';

/**
 * Who has the turn of an ordered group, and how many wait for it (counted to 1,000). The live job with the lowest number has the turn
 * unless it is blocked itself; then the turn is vacant, or a dead job holds it.
 */
export const DESCRIBE_GROUP = statement(
  'describe_group',
  `select h.dead, h.dead_at, h.halts,
    exists (select from simple_queue.vacant v where v.group_name = h.group_name and v.shard = $1 and v.queue = h.queue offset 0) as vacant,
    (select x.dead from simple_queue.head x where x.queue = h.queue and x.shard = $1 and x.halts order by x.dead_at limit 1) as halted_by,
    (select l.id from (
      select j.id, j.seq from simple_queue.job j
      where j.group_name = h.group_name and j.shard = $1 and j.queue = h.queue and j.seq is not null order by j.seq limit 1) l
      where not exists (select from simple_queue.blocked b
        where b.group_name = h.group_name and b.shard = $1 and b.queue = h.queue and b.seq = l.seq offset 0)) as holder,
    (select count(*) from (select from simple_queue.blocked b
      where b.group_name = h.group_name and b.shard = $1 and b.queue = h.queue limit 1000) w)::int as waiting
  from simple_queue.head h
  where h.group_name = $3 and h.shard = $1 and h.queue = (select id from simple_queue.queue where name = $2)`,
);
