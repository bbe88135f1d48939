-- no parameters
prepare list_migrations as
select name from simple_queue.migration order by id desc;
