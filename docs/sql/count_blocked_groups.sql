-- $1 smallint, $2 integer
prepare count_blocked_groups as
select q.name as queue, count(*)::int as groups, min(h.dead_at) as since
  from (select queue, dead_at from simple_queue.head where dead is not null and shard = $1 order by dead_at limit $2::int) h
  join simple_queue.queue q on q.id = h.queue group by q.name order by min(h.dead_at);
