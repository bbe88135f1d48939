-- $1 smallint, $2 text, $3 integer
prepare list_blocked_groups as
select q.name as queue, h.group_name as "group", h.dead as job, h.dead_at as since, h.dead_until as until, h.halts,
    (select count(*) from (select from simple_queue.blocked b
      where b.group_name = h.group_name and b.shard = $1 and b.queue = h.queue limit 1001) w)::int as waiting
  from (
    select * from simple_queue.head
    where dead is not null and shard = $1 and ($2::text is null or queue = (select id from simple_queue.queue where name = $2))
    order by dead_at limit $3::int) h
  join simple_queue.queue q on q.id = h.queue order by h.dead_at, q.name, h.group_name;
