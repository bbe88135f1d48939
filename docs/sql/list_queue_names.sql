-- $1 integer
prepare list_queue_names as
select name from simple_queue.queue order by name limit $1::int;
