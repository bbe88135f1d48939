-- no parameters
prepare list_outcomes as
select q.name as queue, t.name as target
  from simple_queue.outcome x join simple_queue.queue q on q.id = x.queue
  join simple_queue.lane l on l.id = x.lane join simple_queue.queue t on t.id = l.queue;
