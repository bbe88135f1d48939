-- $1 integer[]
prepare lanes_by_number as
select l.id, l.queue as "queueId", q.name as queue, l.name, l.labels, exists (select from simple_queue.outcome where queue = l.queue) as "hasOutcomes"
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where l.id = any($1::int[]);
