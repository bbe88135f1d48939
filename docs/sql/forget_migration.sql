-- $1 text
prepare forget_migration as
delete from simple_queue.migration where name = $1;
