-- $1 integer[], $2 integer
prepare find_unserved as
with served as materialized (
    select distinct q.name from (select queue from simple_queue.lane where served_at is not null limit $2::int) l
    join simple_queue.queue q on q.id = l.queue)
  select l.id, l.queue as "queueId", q.name as queue, l.name, l.labels, array(select name from served) as served
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  where l.id = any($1::int[]) and l.served_at is null;
