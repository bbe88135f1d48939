-- $1 smallint, $2 text, $3 integer
prepare find_stuck as
with page as materialized (
    select group_name, queue, dead from simple_queue.head
    where (group_name, shard, queue) > ($2::text, $1::smallint, $3::int) and shard = $1 order by group_name, queue limit 1000),
  stuck as materialized (
    select group_name, queue from page p where dead is null and not exists (select from simple_queue.vacant v
        where v.queue = p.queue and v.shard = $1 and v.group_name = p.group_name offset 0)
      and not exists (
        select from (select seq from simple_queue.job
          where group_name = p.group_name and shard = $1 and queue = p.queue and seq is not null order by seq limit 1) l
        where not exists (select from simple_queue.blocked
          where group_name = p.group_name and shard = $1 and queue = p.queue and seq = l.seq offset 0)))
  (select group_name as "group", queue, (pg_try_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0)) and pg_try_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0))) as free, false as "isLast" from stuck)
  union all
  (select group_name, queue, false, true from page order by group_name, queue offset 999);
